"""A journal that begins with a snapshot from a different machine."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, CommandType, Instrument
from pricetime.log.configuration import Configuration
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalError, SnapshotDamaged
from pricetime.log.snapshot import SnapshotFile

pytestmark = pytest.mark.compiled

CONFIGURATION = Configuration((Instrument(1),), capacity=1024, level_capacity=1024, owner_limit=16)


def orders(first: int, count: int) -> np.ndarray[Any, Any]:
    made = np.zeros(count, COMMAND)
    made["type"] = CommandType.NEW_ORDER
    made["sequence"] = made["order_id"] = np.arange(first, first + count)
    made["instrument"], made["owner"], made["side"], made["quantity"] = 1, 3, 1, 10
    made["price"] = 100 + made["order_id"] % 7
    return made


def snapshot_after(count: int) -> SnapshotFile:
    from pricetime.exchange.state.machine import Machine
    from pricetime.log.batch import Position

    machine = Machine(CONFIGURATION, stream_reports=1 << 8, feed_reports=1 << 8)
    machine.begin_epoch(77)
    machine.run(orders(1, count))
    return machine.snapshot(Position(9, 4096, 1, count), term=5, stream_reports=1 << 8, feed_reports=1 << 8)


def test_a_server_recovers_from_it_and_goes_on(tmp_path: Path) -> None:
    from pricetime.exchange.settings.config import GatewayConfig
    from pricetime.exchange.settings.server_log import make_log
    from pricetime.exchange.standby.journal import Journal
    from pricetime.log.begin import begin_with
    from pricetime.wire.types import AcknowledgementLevel

    directory = Directory(tmp_path)
    directory.lock()
    snapshot = snapshot_after(50)
    begin_with(directory, snapshot, CONFIGURATION)
    with pytest.raises(JournalError, match="has a journal already"):
        begin_with(directory, snapshot, CONFIGURATION)
    directory.unlock()
    assert (directory.snapshots(), directory.term_of(1)) == ([50], 5)
    settings = GatewayConfig(journal=tmp_path, open=True)
    for goes_on in (1, 2):
        journal = Journal(settings, make_log())
        assert (journal.machine.sequence, journal.machine.epoch) == (40 + 10 * goes_on, 77)
        assert len(journal.machine.engine) == 40 + 10 * goes_on
        journal.open(AcknowledgementLevel.MEMORY, term=5 + goes_on)
        machine = journal.machine
        before = machine.engine.seq_num, machine.matcher.report_checksum
        assert journal.log.append_records(orders(machine.sequence + 1, 10), *before) == 10
        journal.close()


def test_a_snapshot_with_other_books_is_refused(tmp_path: Path) -> None:
    from pricetime.log.begin import begin_with

    directory = Directory(tmp_path)
    directory.lock()
    wrong = dataclasses.replace(snapshot_after(5), books=1)
    with pytest.raises(SnapshotDamaged, match="wrong digest"):
        begin_with(directory, wrong, CONFIGURATION)
    assert directory.segments() == []
    directory.unlock()
