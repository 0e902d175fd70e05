"""What the writer leaves in the files, byte for byte against the format written independently."""

import itertools
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime.errors import InvalidCommands
from pricetime.native.crc import linked

from . import written

pytestmark = pytest.mark.compiled

PAGE = 4096


@pytest.fixture
def files(tmp_path: Path) -> Any:
    from .files import Files

    return Files(tmp_path)


def expected(**arguments: Any) -> written.Segment:
    from . import files

    return files.expected(**arguments)


def test_a_segment_begins_with_a_checkpoint(files: Any) -> None:
    assert files.writer.append_records(written.orders(10), seq_num=17, report_checksum=0xABCDEF01) == 10
    same = expected()
    same.checkpoint(synced=0, seq_num=17, report_checksum=0xABCDEF01)
    same.commands(written.orders(10))
    assert files.bytes(1) == same.data()
    assert files.writer.progress() == (10, 1, same.offset)


def test_every_field_of_a_command_is_in_its_record(files: Any) -> None:
    commands = written.orders(3)
    commands.view(np.uint8)[8:] = np.random.default_rng(1).integers(0, 256, commands.nbytes - 8, np.uint8)
    commands["sequence"] = [1, 2, 3]
    files.writer.append_records(commands)
    same = expected()
    same.checkpoint(synced=0)
    same.commands(commands)
    assert files.bytes(1) == same.data()


def test_a_page_that_was_claimed_is_left(files: Any) -> None:
    orders = written.orders(30)
    same = expected()
    same.checkpoint(synced=0)
    for first in (0, 10, 20):
        files.writer.append_records(orders[first : first + 10])
        same.commands(orders[first : first + 10])
        assert files.writer.has_new
        assert files.writer.turn() == (first + 10, 1, same.offset)
        assert not files.writer.has_new
        same.turn()
    assert files.bytes(1) == same.data()


def test_a_claim_at_the_end_of_a_page_turns_none(files: Any) -> None:
    count = 9 * PAGE // written.RECORD - 1  # whole pages, the checkpoint among the records: 72 divides 9 pages
    files.writer.append_records(written.orders(count))
    assert files.writer.turn() == (count, 1, 10 * PAGE)
    files.writer.append_records(written.orders(1, count + 1))
    assert files.writer.progress() == (count + 1, 1, 10 * PAGE + written.RECORD)


def test_a_checkpoint_when_more_is_durable(files: Any) -> None:
    orders = written.orders(30)
    same = expected()
    same.checkpoint(synced=0)
    files.writer.append_records(orders[:10])
    same.commands(orders[:10])
    assert files.writer.publish_synced(7) is False
    assert files.writer.durable == 7
    for first in (10, 20):
        files.writer.append_records(orders[first : first + 10], seq_num=100 + first, report_checksum=first)
        if first == 10:
            same.checkpoint(synced=7, seq_num=110, report_checksum=10)
        same.commands(orders[first : first + 10])
    assert files.bytes(1) == same.data()


def fill(files: Any, first: written.Segment) -> int:
    """Fill the first segment to its end: how many commands that took."""
    first.checkpoint(synced=0)
    count = first.room
    first.commands(written.orders(count))
    assert files.writer.append_records(written.orders(count + 5)) == count
    return count


def test_the_next_segment(files: Any) -> None:
    first = expected()
    count = fill(files, first)
    assert files.writer.wants_segment
    files.offer()
    assert not files.writer.wants_segment
    assert files.writer.append_records(written.orders(5, count + 1), seq_num=9, report_checksum=8) == 5
    assert files.writer.wants_segment
    second = expected(behind=first)
    second.checkpoint(synced=0, seq_num=9, report_checksum=8)
    second.commands(written.orders(5, count + 1))
    assert files.bytes(1) == first.data()
    assert files.bytes(2) == second.data()
    assert files.writer.progress() == (count + 5, 2, second.offset)


def test_nothing_is_stored_behind_the_limit(files: Any) -> None:
    files.writer.allow(1, 3 * 4096)
    room = 2 * 4096 // 72 - 1  # a checkpoint is the first record
    assert files.writer.append_records(written.orders(500)) == room
    assert files.writer.append_records(written.orders(1, room + 1)) == 0
    assert not any(files.bytes(1)[4096 + 72 * (room + 1) :])
    files.writer.allow(1, 4 * 4096)
    assert files.writer.append_records(written.orders(1, room + 1)) == 1


def test_a_segment_may_be_offered_with_a_limit(files: Any) -> None:
    count = fill(files, expected())
    files.writer.offer(files.make(), 2, 4096, 4096)
    assert files.writer.append_records(written.orders(1, count + 1)) == 0
    assert files.writer.wants_segment  # it was taken, and nothing can be put there yet
    files.writer.allow(2, 2 * 4096)
    assert files.writer.append_records(written.orders(1, count + 1)) == 1


def test_a_segment_that_is_to_be_left(files: Any) -> None:
    assert files.writer.append_records(written.orders(3)) == 3
    files.offer()
    sequence, number, offset = files.writer.turn(1)
    assert (sequence, number) == (3, 1)
    before = files.bytes(1)
    assert files.writer.append_records(written.orders(2, 4)) == 2
    assert files.bytes(1) == before
    assert not any(before[offset:])
    assert files.writer.progress()[:2] == (5, 2)


def test_a_segment_that_was_left_already_is_not_asked_for_twice(files: Any) -> None:
    count = fill(files, expected())
    files.offer()
    assert files.writer.append_records(written.orders(1, count + 1)) == 1
    files.writer.turn(1)  # the request comes late: the writer changes the page
    assert files.writer.append_records(written.orders(1, count + 2)) == 1
    _, number, offset = files.writer.progress()
    assert (number, offset) == (2, 2 * 4096 + 72)


def test_a_segment_that_is_ready_is_not_in_use(files: Any) -> None:
    files.offer()
    assert files.bytes(2)[108 + 4 : 128] == bytes(16)
    with pytest.raises(ValueError, match="has not taken"):
        files.offer()


@given(
    st.lists(st.one_of(st.integers(1, 90), st.just("turn"), st.just("offer"), st.just("synced")), max_size=30),
    st.sampled_from([3, 5]),
)
def test_any_course_of_events(tmp_path_factory: pytest.TempPathFactory, events: list[Any], pages: int) -> None:
    """Against a model in a few lines: where records go, when there is a checkpoint, when a segment ends."""
    from .files import Files

    files = Files(tmp_path_factory.mktemp("journal"), pages * PAGE)
    model = [expected(segment_bytes=pages * PAGE)]
    sequence = synced = noted = 0
    blank, ready, turned = True, False, False
    for event in events:
        if event == "turn":
            files.writer.turn()
            turned = True
        elif event == "offer":
            if files.writer.wants_segment:
                files.offer()
                ready = True
        elif event == "synced":
            synced = sequence
            files.writer.publish_synced(synced)
        else:
            done = files.writer.append_records(written.orders(event, sequence + 1))
            if turned:
                model[-1].turn()
                turned = False
            while blank or noted != synced or not model[-1].room:
                if not model[-1].room:
                    if not ready:
                        break
                    model.append(expected(behind=model[-1], segment_bytes=pages * PAGE))
                    ready = False
                model[-1].checkpoint(synced=synced)
                blank, noted = False, synced
            assert done == min(event, model[-1].room)
            model[-1].commands(written.orders(done, sequence + 1))
            sequence += done
    for number, same in enumerate(model, 1):
        if number > 1 or not blank:
            assert files.bytes(number) == same.data()
    assert files.writer.last == sequence


def test_nothing_is_appended_after_a_failure(files: Any) -> None:
    files.writer.append_records(written.orders(3))
    before = files.bytes(1)
    assert not files.writer.failed
    files.writer.fail()
    assert files.writer.failed
    assert files.writer.append_records(written.orders(1, 4)) == 0
    assert files.bytes(1) == before


def test_nothing_is_appended_once_it_is_closed(files: Any) -> None:
    files.offer()
    files.writer.release()
    assert files.writer.append_records(written.orders(1)) == 0


def test_who_waits_is_told_once(files: Any) -> None:
    files.writer.ask()
    assert files.writer.publish_synced(1) is True
    assert files.writer.publish_synced(2) is False


def test_the_syncer_does_not_sleep_through_a_call(files: Any) -> None:
    for_ever = 3_600_000_000_000
    files.writer.call()
    files.writer.wait(for_ever, unless_new=False)
    files.writer.append_records(written.orders(1))
    files.writer.wait(for_ever, unless_new=True)
    sleeper = threading.Thread(target=files.writer.wait, args=(for_ever, False), daemon=True)
    sleeper.start()
    files.writer.ask()  # before it sleeps, or while it does
    while sleeper.is_alive():
        files.writer.call()
        sleeper.join(0.01)


def test_an_engine_without_room_wakes_the_syncer(files: Any) -> None:
    count = fill(files, expected())
    assert files.writer.append_records(written.orders(1, count + 1)) == 0
    files.writer.wait(3_600_000_000_000, unless_new=False)  # does not wait


def test_what_is_no_array_of_commands(files: Any) -> None:
    with pytest.raises(InvalidCommands):
        files.writer.append_records(np.zeros(3))


def test_a_writer_is_started_once(files: Any) -> None:
    with pytest.raises(TypeError, match="called before"):
        files.writer.begin(files.make(), 2, PAGE, 0, 0)


@pytest.mark.parametrize(("number", "first"), [(0, PAGE), (2, 100), (2, 16 * PAGE)])
def test_what_is_no_segment(files: Any, number: int, first: int) -> None:
    with pytest.raises(ValueError, match="not a segment"):
        files.writer.offer(files.make(), number, first)


def test_a_writer_without_a_segment_appends_nothing() -> None:
    from pricetime.log.writer import Writer

    assert Writer().append_records(written.orders(1)) == 0


def test_one_appends_another_claims_and_a_third_reads(tmp_path: Path) -> None:
    """No page is stored into once it was claimed, and a reader that finds a length finds the whole record."""
    from .files import Files

    files = Files(tmp_path, 1 << 24)
    count, batch = 150_000, 7
    claimed: list[tuple[int, bytes]] = []
    found: list[int] = []

    def claim() -> None:
        start = PAGE
        while files.writer.last < count:
            end = -(-files.writer.turn()[2] // PAGE) * PAGE
            if end > start:
                claimed.append((start, bytes(memoryview(files.mappings[0])[start:end])))
                start = end

    def read() -> None:
        data = memoryview(files.directory.disk.read(files.directory.path_of(1)))
        found.extend(itertools.takewhile(lambda sequence: sequence <= count, followed(data)))

    threads = [threading.Thread(target=target) for target in (claim, read)]
    for thread in threads:
        thread.start()
    orders = written.orders(count + 1)
    for first in range(0, count + 1, batch):
        files.writer.append_records(orders[first : first + batch])
    for thread in threads:
        thread.join()
    assert found == list(range(1, count + 1))
    last = files.bytes(1)
    assert len(claimed) > 1
    for start, as_claimed in claimed:
        assert last[start : start + len(as_claimed)] == as_claimed


def followed(data: memoryview) -> Iterator[int]:
    """The sequences of the commands in a segment that grows, for ever: what a reader in a second process does."""
    link = struct.unpack_from("<I", data, 124)[0]
    offset = PAGE
    while True:
        length, crc = struct.unpack_from("<II", data, offset)
        if length == 0:
            page = -(-offset // PAGE) * PAGE
            # A record that is being stored may reach into that page, so only a whole one there counts.
            if struct.unpack_from("<II", data, page) == (64, linked(link, bytes(data[page + 8 : page + 72]))):
                offset = page
            continue
        body = bytes(data[offset + 8 : offset + 72])
        link = linked(link, body)
        assert (length, crc) == (64, link)
        if body[24] != 255:
            yield struct.unpack_from("<Q", body)[0]
        offset += 72
