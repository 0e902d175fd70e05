"""The benchmark of the journal finishes, and every timed command is in the journal."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import journal
from benchmarks.build import ready
from tests.log import written

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("batch", [1, 7])
def test_appends_are_all_there(tmp_path: Path, batch: int) -> None:
    ready()
    from benchmarks.engine_loops import append_paced

    commands = journal.numbered(written.orders(1000))
    with journal.journal_in(tmp_path, 1, 4 * 4096) as writer:
        ticks, stalled = append_paced(writer, commands, batch, 0)
        assert writer.appended == 1000
    assert ticks.size == -(-1000 // batch)
    assert np.count_nonzero(ticks) == ticks.size
    assert stalled >= 0
    assert list(tmp_path.iterdir()) == []


def test_the_command(tmp_path: Path) -> None:
    arguments = ["--rounds", "2", "--count", "3000", "--rate", "0", "--segment-bytes", str(1 << 20)]
    folders = ["--directory", str(tmp_path / "disk"), "--output", str(tmp_path / "out")]
    ran = CliRunner().invoke(journal.main, [*arguments, *folders])
    assert ran.exit_code == 0, ran.output
    (table,) = json.loads((tmp_path / "out" / "journal.json").read_text(encoding="utf-8"))["tables"]
    assert [row[:2] for row in table["rows"]] == [
        [level, batch] for level in ("memory", "durable") for batch in ("1", "16", "256")
    ]
    assert "| memory |" in (tmp_path / "out" / "journal.md").read_text(encoding="utf-8")
