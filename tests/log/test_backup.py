"""A copy of a journal that is being written: whole, and of one moment."""

from pathlib import Path

import pytest

from pricetime import COMPILED

if not COMPILED:
    pytest.skip("a journal is written in the compiled form alone", allow_module_level=True)
pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from pricetime.log import backup as module
from pricetime.log.backup import back_up
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalError
from pricetime.log.verify import verify
from tests.exchange.kept import Kept
from tests.exchange.orders import BID, new

SEGMENT_BYTES = 2**15


def test_a_server_starts_from_a_backup_of_one_that_runs(tmp_path: Path) -> None:
    target = tmp_path / "backup"
    kept = Kept(tmp_path / "journal", segment_bytes=SEGMENT_BYTES)
    try:
        client = kept.client(1, keep_orders=True)
        for number in range(600):
            kept.make_room()
            client.ask(new(number, BID, 10 + number % 50))
        made = back_up(kept.journal.directory, kept.journal.extent, target)
        assert made.sequence == 600
        digest = kept.exchange.digest()
        for number in range(600, 650):
            kept.make_room()
            client.ask(new(number, BID, 10))
    finally:
        kept.close()
    found = verify(Directory(target))
    assert (found.records, found.faults, found.digest is not None) == (600, [], True)
    assert not list(tmp_path.glob("*.part"))
    assert {path.stat().st_mode & 0o777 for path in target.iterdir()} == {0o600}
    again = Kept(target, segment_bytes=SEGMENT_BYTES)
    try:
        assert again.exchange.digest() == digest
        assert again.journal.log.first - 1 == 600
    finally:
        again.close()


def test_a_backup_begins_with_the_newest_snapshot(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "journal", segment_bytes=SEGMENT_BYTES)
    try:
        client = kept.client(1)
        client.ask(*(new(number) for number in range(20)))
        kept.commit()
        kept.exchange.follower.want_snapshot()
        while not kept.journal.directory.snapshots():
            kept.exchange.follower.iterate()
        client.ask(*(new(number) for number in range(20, 30)))
        assert back_up(kept.journal.directory, kept.journal.extent, tmp_path / "backup").sequence == 30
    finally:
        kept.close()
    copied = Directory(tmp_path / "backup")
    assert copied.snapshots() == [20]
    assert verify(copied).faults == []


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "backup"
    target.mkdir()
    (target / "mine").write_text("x")
    with pytest.raises(JournalError, match="backup exists: give a directory that does not exist yet"):
        back_up(Directory(tmp_path / "journal"), lambda: (0, 1, 0), target)
    assert (target / "mine").read_text() == "x"


def test_a_file_that_goes_meanwhile_begins_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "journal").mkdir()
    source = Directory(tmp_path / "journal")
    for number in (1, 2):
        source.path_of(number).write_bytes(bytes([number]) * 100)
    copy, calls = module._copy_file, []

    def copy_and_lose(disk: object, path: Path, *rest: object) -> int:
        calls.append(path.name)
        if len(calls) == 1:
            source.path_of(1).unlink()  # a newer snapshot has come
        return copy(disk, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_copy_file", copy_and_lose)
    assert back_up(source, lambda: (9, 2, 50), tmp_path / "backup") == (9, 50)
    assert (tmp_path / "backup" / "00000002.journal").read_bytes() == b"\2" * 50 + bytes(50)
    assert len(list((tmp_path / "backup").iterdir())) == 1
