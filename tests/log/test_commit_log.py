"""Both command logs behind their one interface: what was appended can be read, and what may be answered is known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.log.directory import Directory
from pricetime.log.errors import JournalDamaged
from pricetime.types import COMMAND
from pricetime.wire.types import AcknowledgementLevel

from . import written

pytestmark = pytest.mark.compiled

DURABLE = AcknowledgementLevel.DURABLE


def volatile(capacity: int = 64) -> Any:
    from pricetime.log.commit_log import VolatileLog

    return VolatileLog(written.CONFIGURATION, capacity=capacity)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Any]:
    from pricetime.log.commit_log import FileLog

    directory = Directory(tmp_path)
    directory.lock()
    log = FileLog(directory, written.CONFIGURATION, level=DURABLE, segment_bytes=1 << 20)
    yield log
    log.close()
    directory.unlock()


def read_all(reader: Any) -> Any:
    parts = [np.empty(0, COMMAND)]
    while len(batch := reader.read(7).commands):
        parts.append(batch.copy())
    return np.concatenate(parts)


def test_a_reader_gets_what_was_appended(journal: Any) -> None:
    for log in (volatile(), journal):
        commands = written.orders(40)
        assert log.append_records(commands[:10]) == 10
        reader = log.read(0)
        assert read_all(reader).tobytes() == commands[:10].tobytes()
        assert log.append_records(commands[10:]) == 30
        assert read_all(reader).tobytes() == commands[10:].tobytes()
        assert reader.position.sequence == log.last == 40
        assert reader.configuration == written.CONFIGURATION


def test_a_volatile_log_accepts_what_its_reader_has_made_room_for() -> None:
    log, commands = volatile(16), written.orders(40)
    assert log.append_records(commands) == 16
    assert log.append_records(commands[16:]) == 0
    assert log.failure is None
    reader = log.read(0)
    assert len(reader.read(10).commands) == 10
    assert log.append_records(commands[16:]) == 10
    assert read_all(reader)["sequence"].tolist() == list(range(11, 27))


def test_a_volatile_log_releases_every_report_at_once() -> None:
    log = volatile()
    assert (log.level, log.term, log.first, log.released) == (AcknowledgementLevel.VOLATILE, 1, 1, 0)
    log.append_records(written.orders(10))
    assert log.released == 10


def test_a_durable_log_releases_a_report_when_its_command_is_on_the_disk(journal: Any) -> None:
    journal.append_records(written.orders(10))
    assert (journal.level, journal.released, journal.last) == (DURABLE, 0, 10)
    journal.close()
    assert journal.released == 10


def test_a_journal_is_read_from_any_command(journal: Any) -> None:
    commands = written.orders(30)
    journal.append_records(commands)
    for sequence in (0, 1, 29, 30):
        assert read_all(journal.read(sequence)).tobytes() == commands[sequence:].tobytes()
    with pytest.raises(JournalDamaged, match="command 31 is not in the journal"):
        journal.read(31)


def test_a_failed_disk_fails_the_log(journal: Any) -> None:
    journal.append_records(written.orders(10))
    journal.lose(OSError(5, "Input/output error"))
    assert "Input/output error" in journal.failure
    assert journal.append_records(written.orders(20)[10:]) == 0


def test_the_term_grows_with_every_start(tmp_path: Path) -> None:
    from pricetime.log.commit_log import FileLog
    from pricetime.log.reader import Reader

    directory, position, commands = Directory(tmp_path), None, written.orders(30)
    for term in (1, 2, 3):
        log = FileLog(directory, written.CONFIGURATION, level=DURABLE, segment_bytes=1 << 20, position=position)
        assert (log.term, log.first) == (term, 10 * term - 9)
        log.append_records(commands[10 * (term - 1) : 10 * term])
        reader: Any = log.read(10 * term)
        assert reader.term == term
        position = reader.position
        log.close()
    whole = Reader(directory)
    assert (len(read_all(whole)), whole.term) == (30, 3)
