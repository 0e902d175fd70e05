"""The benchmark of the cluster's pages finishes and says what it measured."""

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks import cluster_pages


def test_the_command(tmp_path: Path) -> None:
    folders = ["--directory", str(tmp_path / "disk"), "--output", str(tmp_path / "out")]
    ran = CliRunner().invoke(cluster_pages.main, ["--rounds", "1", "--seconds", "0.2", *folders])
    assert ran.exit_code == 0, ran.output
    (table,) = json.loads((tmp_path / "out" / "cluster_pages.json").read_text(encoding="utf-8"))["tables"]
    assert [row[:2] for row in table["rows"]] == [["1,000", "8"], ["1,000", "1"], ["1", "8"], ["1", "1"]]
    assert list((tmp_path / "disk").iterdir()) == []
