"""Pages and term records: bytes to values and back, every damage found, chains."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pricetime import Instrument
from pricetime.cluster.page import (
    CHECKPOINTS,
    COMMANDS,
    NO_DIGEST,
    ChainBroken,
    Message,
    Page,
    TermRecord,
    continues,
    decode,
    pages_of,
)
from pricetime.log.batch import Batch, Checkpoint
from pricetime.log.configuration import Configuration
from tests.cluster.made import CONFIGURATION, commands, page, term_record

PAGE_BYTES = 64 << 10


@st.composite
def batches(draw: st.DrawFn) -> tuple[Batch, int]:
    """A batch, and the sequence before it."""
    after = draw(st.integers(0, 2**40))
    count = draw(st.one_of(st.integers(0, 5), st.integers(0, 3 * COMMANDS)))
    indices = draw(st.lists(st.integers(0, count), max_size=200))
    points = [Checkpoint(index, after + index, after, 2 * index, index) for index in sorted(indices)]
    return Batch(commands(after + 1, count, seed=count), points, CONFIGURATION, 0), after


@given(batches())
@example((Batch(commands(1, 3), [Checkpoint(1, 1, 1, 1, 1)] * 200, CONFIGURATION, 0), 0))
@example((Batch(commands(1, 0), [Checkpoint(0, 0, 0, 0, 0)] * 200, CONFIGURATION, 0), 0))
def test_pages_hold_the_batch_in_order(made: tuple[Batch, int]) -> None:
    batch, after = made
    before = term_record(3, after + 1)
    pages = list(pages_of(batch, 3, after, before.digest))
    read = [decode(one.data, "page") for one in pages]
    last: Message = before
    for one in read:
        assert continues(one, last, "page")
        last = one
    assert read == pages
    assert all(isinstance(one, Page) for one in read)
    assert all(len(one.data) <= PAGE_BYTES and len(one.checkpoints) <= CHECKPOINTS for one in pages)
    assert b"".join(one.commands.tobytes() for one in pages) == batch.commands.tobytes()
    points = [point._replace(index=point.index + one.first - 1 - after) for one in pages for point in one.checkpoints]
    assert points == batch.checkpoints
    assert bool(pages) == (not batch.at_end)


def test_a_full_batch_makes_full_pages() -> None:
    batch = Batch(commands(1, 5 * COMMANDS), [], CONFIGURATION, 0)
    assert [len(one.commands) for one in pages_of(batch, 1, 0, NO_DIGEST)] == [COMMANDS] * 5


@given(st.integers(0, 20), st.data())
def test_every_changed_byte_is_found(count: int, data: st.DataObject) -> None:
    made = page(1, 1, count, NO_DIGEST, points=min(count, 2)).data if count else term_record(1, 1).data
    at = data.draw(st.integers(0, len(made) - 1))
    bits = data.draw(st.integers(1, 255))
    damaged = made[:at] + bytes([made[at] ^ bits]) + made[at + 1 :]
    with pytest.raises(ChainBroken, match=r"^message 7 "):
        decode(damaged, "message 7")


@given(st.integers(0, 400))
def test_every_lost_end_is_found(length: int) -> None:
    made = page(1, 1, 5, NO_DIGEST).data
    with pytest.raises(ChainBroken):
        decode(made[:length], "message 7")
    with pytest.raises(ChainBroken):
        decode(made + bytes(1 + length), "message 7")


@given(st.binary(max_size=300))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ChainBroken):
        decode(data, "message 7")


def test_a_term_record_comes_back() -> None:
    made = term_record(7, 1001, NO_DIGEST)
    assert decode(made.data, "record") == made
    assert (made.last, made.addresses["orders"], made.configuration) == (1000, "127.0.0.1:7001", CONFIGURATION)


def test_two_nodes_begin_a_term_with_different_ids() -> None:
    assert term_record(7, 1, node="a").message_id != term_record(7, 1, node="b").message_id


def test_different_pages_have_different_ids() -> None:
    assert page(1, 1, 5, NO_DIGEST).message_id != page(1, 1, 6, NO_DIGEST).message_id


def test_a_message_has_to_continue_the_one_before() -> None:
    first = term_record(1, 1)
    second = page(1, 1, 4, first.digest)
    assert continues(first, None, "message 1")
    assert continues(second, first, "message 2")
    assert continues(term_record(2, 5, second.digest), second, "message 3")
    assert not continues(page(1, 5, 4, NO_DIGEST), second, "message 3")
    assert not continues(second, None, "message 1")
    cases: list[tuple[Message, str]] = [
        (page(1, 6, 4, second.digest), "begins at command 6, after command 4"),
        (page(2, 5, 4, second.digest), "of term 2, after term 1"),
        (term_record(1, 5, second.digest), "of term 1, after term 1"),
    ]
    for wrong, said in cases:
        with pytest.raises(ChainBroken, match=f"^message 3.*{said}"):
            continues(wrong, second, "message 3")


def test_a_page_cannot_be_made_of_other_commands() -> None:
    with pytest.raises(ValueError, match="1 to 5 in order"):
        Page.make(1, 1, commands(2, 5), [], NO_DIGEST)
    with pytest.raises(ValueError, match="too many"):
        Page.make(1, 1, commands(1, COMMANDS + 1), [], NO_DIGEST)
    with pytest.raises(ValueError, match="after its 5 commands"):
        Page.make(1, 1, commands(1, 5), [Checkpoint(6, 0, 0, 0, 0)], NO_DIGEST)


def test_a_version_of_the_future_asks_for_an_upgrade() -> None:
    made = bytearray(page(1, 1, 5, NO_DIGEST).data)
    made[4] = 2
    with pytest.raises(ChainBroken, match="upgrade"):
        decode(bytes(made), "message 7")


def test_a_term_record_has_room_for_thousands_of_instruments() -> None:
    many = Configuration(tuple(Instrument(at) for at in range(1000)), 1000, 1000, 0)
    made = decode(term_record(1, 1, configuration=many).data, "record")
    assert isinstance(made, TermRecord)
    assert made.configuration == many
    names = Configuration(tuple(Instrument(at, "X" * 60) for at in range(12_000)), 1000, 1000, 0)
    with pytest.raises(ValueError, match="divide the instruments into more partitions"):
        term_record(1, 1, configuration=names)


def test_the_commands_of_a_page_read_from_its_bytes() -> None:
    made = decode(page(1, 3, 5, NO_DIGEST).data, "page")
    assert isinstance(made, Page)
    assert np.array_equal(made.commands, commands(3, 5))
    assert not made.commands.flags.writeable
