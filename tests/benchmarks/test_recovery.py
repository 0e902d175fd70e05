"""The benchmark of a start finishes, and reads what a server logged."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import recovery

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(find_spec("pydantic_settings") is None, reason="needs the server's packages"),
]


def test_the_command(tmp_path: Path) -> None:
    options = ["--commands", "20000", "--behind", "5000", "--rounds", "1", "--directory", str(tmp_path)]
    ran = CliRunner().invoke(recovery.main, options, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    snapshot, replay, recovered = ran.output.splitlines()[-3:]
    assert "orders rest" in snapshot
    assert "40,000 commands" in replay  # 20,000 fill the book
    assert recovered.startswith("  recovery with the snapshot")
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_needs_room() -> None:
    ran = CliRunner().invoke(recovery.main, ["--commands", "10", "--behind", "6"])
    assert ran.exit_code == 2
    assert "at most half" in ran.output
