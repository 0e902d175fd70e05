"""A reader behind a writer at work: every command, in order, while pages are turned and segments end."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from pricetime.log.directory import Directory
from pricetime.log.reader import Reader
from pricetime.log.replay import Replay
from pricetime.log.tail import judge
from tests.log.reference import CONFIGURATION, flow

pytestmark = pytest.mark.compiled

GENEROUS_S = 120


def test_all_of_it_while_it_is_written(tmp_path: Path) -> None:
    from pricetime.log.syncer import Syncer
    from pricetime.log.writer import Writer

    commands = flow(60_000)
    directory = Directory(tmp_path)
    writer = Writer()
    syncer = Syncer(writer, directory, CONFIGURATION, level=1, segment_bytes=1 << 18, interval_ns=200_000)
    syncer.open()
    syncer.start()
    failed: list[BaseException] = []

    def write() -> None:
        done, until = 0, time.monotonic() + GENEROUS_S
        try:
            while done < len(commands):
                done += writer.append_records(commands[done : done + 37])
                assert time.monotonic() < until, syncer.failure
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    reader = Reader(Directory(tmp_path))
    found = []
    until = time.monotonic() + GENEROUS_S
    while reader.position.sequence < len(commands) and not failed:
        assert time.monotonic() < until
        found.append(reader.read(1000).commands)
    thread.join()
    syncer.end()
    assert failed == []
    assert np.concatenate(found).tobytes() == commands.tobytes()
    assert reader.position.segment > 5
    assert reader.read().at_end or reader.read().at_end  # a last checkpoint may have come
    assert judge(reader).clean
    assert len(directory.segments()) == reader.position.segment


def test_replay_of_what_the_writer_wrote(tmp_path: Path) -> None:
    """Its checkpoints hold the report checksum of the reports before them."""
    from pricetime.log.syncer import Syncer
    from pricetime.log.writer import Writer
    from pricetime.native.crc import linked_records

    commands = flow(20_000)
    directory = Directory(tmp_path)
    writer = Writer()
    syncer = Syncer(writer, directory, CONFIGURATION, level=1, segment_bytes=1 << 17, interval_ns=200_000)
    syncer.open()
    syncer.start()
    engine, report_checksum, done = CONFIGURATION.make_engine(), 0, 0
    until = time.monotonic() + GENEROUS_S
    while done < len(commands):
        count = writer.append_records(commands[done : done + 64], engine.seq_num, report_checksum)
        reports = engine.apply(commands[done : done + count])
        report_checksum = linked_records(report_checksum, reports.view(np.uint8).data, 48)
        done += count
        assert time.monotonic() < until, syncer.failure
    syncer.end()
    replay = Replay(directory)
    assert replay.run_to_end().clean
    assert replay.commands == len(commands)
    assert replay.checkpoints >= len(directory.segments())
    assert (replay.engine.digest(), replay.report_checksum) == (engine.digest(), report_checksum)
