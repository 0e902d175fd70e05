"""Small journals in folders, and scripts."""

from pathlib import Path
from textwrap import dedent

from pricetime.farm import Script
from tests.log.reference import journal, snapshot_after


def journal_in(folder: Path, seed: int = 7, snapshots: tuple[int, ...] = (30, 60)) -> Path:
    """A journal of 85 commands in two segments."""
    folder.mkdir(parents=True)
    written = journal([45, 40], seed=seed)
    for name, data in (*written.files.items(), *(snapshot_after(written, after) for after in snapshots)):
        (folder / name).write_bytes(data)
    return folder


def damage(folder: Path) -> None:
    """Break record 20 of the second segment: command 64."""
    written = journal([45, 40])
    path = folder / "00000002.journal"
    data = bytearray(path.read_bytes())
    data[written.segments[1].offsets[20] + 40] ^= 1
    path.write_bytes(data)


def script_in(folder: Path, text: str) -> Path:
    path = folder / "script.py"
    path.write_text(dedent(text), encoding="utf-8")
    return path


def script(folder: Path, text: str) -> Script:
    return Script.load(script_in(folder, text))
