"""One thread on both sides: what goes in comes out, in order, around the end, and no further than there is room."""

import gc
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND
from pricetime.errors import InvalidMessage, InvalidSetting, RingClosed, RingTimeout
from pricetime.ring import Idle, Ring

CAPACITIES = [2**n for n in range(1, 13)]


def records(first: int, count: int) -> np.ndarray[Any, Any]:
    made = np.zeros(count, COMMAND)
    made["sequence"] = np.arange(first, first + count)
    made["order_id"] = made["sequence"] ** 2
    return made


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_full_empty_and_around(capacity: int) -> None:
    ring = Ring(capacity)
    sent = got = 0
    for room in (capacity, 1, capacity // 2, capacity, capacity - 1, capacity):
        for _ in range(room):
            assert ring.try_put(b"%d" % sent)
            sent += 1
        assert len(ring) == room
        if room == capacity:
            assert not ring.try_put(b"no room")
        ring.check()
        while (message := ring.try_get()) is not None:
            assert message == b"%d" % got
            got += 1
        assert got == sent
        assert len(ring) == 0
        ring.check()


@pytest.mark.parametrize("size", range(1, 18))
def test_batches_of_all_sizes(size: int) -> None:
    ring = Ring(16)
    sent = got = 0
    for _ in range(40):
        put = ring.put_many([b"%d" % (sent + i) for i in range(size)], timeout=0)
        assert put == min(size, 16)
        sent += put
        while len(ring):
            messages = ring.get_many(3)
            assert messages == [b"%d" % (got + i) for i in range(len(messages))]
            got += len(messages)
        ring.check()
    assert got == sent


@pytest.mark.parametrize("size", range(1, 18))
def test_arrays_of_records(size: int) -> None:
    ring = Ring(16)
    sent = got = 0
    for turn in range(60):
        sent += ring.put_records(records(sent, size), timeout=0)
        there = ring.get_records(COMMAND, 1 + turn % 20, timeout=0)
        assert there.tobytes() == records(got, len(there)).tobytes()
        got += len(there)
        assert len(ring) == sent - got <= 16
        ring.check()
    assert got >= 60


@pytest.mark.parametrize("length", [0, 1, 4, 59, 60])
def test_a_message_is_what_it_was(length: int) -> None:
    ring = Ring(2)
    for kind in (bytes, bytearray, memoryview):
        ring.put(kind(b"\xff" * length))
        assert ring.get() == b"\xff" * length


def test_a_slot_keeps_nothing_of_the_message_before() -> None:
    ring = Ring(2)
    for _ in range(2):
        ring.put(b"\xff" * 60)
        ring.get()
    ring.put(b"a")
    assert ring.get_records("V64", 1)[0].tobytes() == b"\1\0\0\0a" + bytes(59)


@pytest.mark.parametrize("slot_bytes", [8, 24, 64, 1000, 2**20])
def test_slots_of_other_sizes(slot_bytes: int) -> None:
    ring = Ring(4, slot_bytes)
    assert ring.slot_bytes == slot_bytes
    for i in range(9):
        message = bytes([i]) * (slot_bytes - 4)
        ring.put(message)
        assert ring.get() == message
    with pytest.raises(InvalidMessage, match=f"room for {slot_bytes - 4}"):
        ring.put(bytes(slot_bytes - 3))


@pytest.mark.parametrize("message", ["text", 5, None, [1], b"x" * 61])
def test_what_is_no_message(message: Any) -> None:
    ring = Ring(4)
    for put in (ring.try_put, ring.put, lambda message: ring.put_many([b"good", message])):
        with pytest.raises(InvalidMessage):
            put(message)
    assert len(ring) == 0


def test_a_record_is_no_message_and_stays() -> None:
    ring = Ring(4)
    ring.put_records(np.full(8, 2**64 - 1, "<u8").view("V64"))
    for _ in range(2):
        with pytest.raises(InvalidMessage, match="use get_records"):
            ring.get()
    assert ring.get_records("<u8, V56", 1)["f0"] == [2**64 - 1]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros(4, "u8"),
        np.zeros((2, 2), COMMAND),
        np.zeros(8, COMMAND)[::2],
        np.zeros(2, "O, V56"),
        [1, 2],
        b"x" * 64,
        np.zeros((), COMMAND),
    ],
)
def test_what_is_no_array_of_records(wrong: Any) -> None:
    ring = Ring(4)
    with pytest.raises(InvalidMessage):
        ring.put_records(wrong)
    assert len(ring) == 0


@pytest.mark.parametrize("dtype", ["u8", "O", "O, V56", "V65"])
def test_what_no_record_can_be(dtype: str) -> None:
    with pytest.raises(InvalidMessage):
        Ring(4).get_records(dtype, 1, timeout=0)


def test_arrays_that_may_not_be_written_to_can_be_put() -> None:
    ring = Ring(4)
    made = records(0, 3)
    made.flags.writeable = False
    assert ring.put_records(made) == 3
    assert ring.get_records(COMMAND, 9).tobytes() == made.tobytes()


def test_empty_batches() -> None:
    ring = Ring(2)
    assert ring.put_many([]) == 0
    assert ring.put_records(records(0, 0)) == 0
    assert ring.get_many(5, timeout=0) == []
    assert ring.get_records(COMMAND, 5, timeout=0).shape == (0,)


# ---------------------------------------------------------------------- waiting and the end


@pytest.mark.parametrize("blocking", [True, False])
@pytest.mark.parametrize("until", ["spin", "pause", "yield", "block"])
def test_timeouts(until: Any, blocking: bool) -> None:
    ring = Ring(2, blocking=blocking, idle=Idle(until))
    for timeout in (0, 0.0, 1e-3, 0.01):
        with pytest.raises(RingTimeout, match=f"empty for {timeout} s"):
            ring.get(timeout)
    ring.put_many([b"1", b"2"])
    with pytest.raises(RingTimeout, match="full"):
        ring.put(b"3", timeout=0.01)
    assert ring.put_many([b"3"], timeout=0.01) == 0
    assert ring.put_records(records(0, 1), timeout=0.01) == 0
    ring.check()
    assert list(ring.get_many(9)) == [b"1", b"2"]


@pytest.mark.parametrize("timeout", [-1, -0.5, float("nan"), "1", True])
def test_what_is_no_timeout(timeout: Any) -> None:
    ring = Ring(2)
    with pytest.raises(InvalidSetting, match="timeout"):
        ring.get(timeout)
    with pytest.raises(InvalidSetting, match="timeout"):
        ring.put(b"", timeout)


def test_a_timeout_without_end() -> None:
    ring = Ring(2)
    ring.put(b"x", float("inf"))
    assert ring.get(1e300) == b"x"


def test_a_new_ring_is_open() -> None:
    assert not Ring(4).closed


def test_the_end() -> None:
    ring = Ring(4)
    ring.put_many([b"1", b"2"])
    ring.close()
    ring.close()
    assert ring.closed
    for put in (ring.put, ring.try_put, lambda message: ring.put_many([message])):
        with pytest.raises(RingClosed, match="the ring is closed"):
            put(b"3")
    with pytest.raises(RingClosed):
        ring.put_records(records(0, 1))
    assert ring.get() == b"1"
    assert ring.try_get() == b"2"
    for get in (ring.get, ring.try_get, lambda: ring.get_many(1), lambda: ring.get_records(COMMAND, 1)):
        with pytest.raises(RingClosed, match="closed and empty"):
            get()
    assert list(ring) == []
    ring.check()


def test_iteration_ends_with_the_ring() -> None:
    ring = Ring(4)
    ring.put_many([b"1", b"2", b"3"])
    ring.close()
    assert list(ring) == [b"1", b"2", b"3"]


# ---------------------------------------------------------------------- settings, and invalid rings


@pytest.mark.parametrize("capacity", [0, 1, 3, 1000, 2**31, -2, 2.0, True, None])
def test_capacities_that_there_are_not(capacity: Any) -> None:
    with pytest.raises(InvalidSetting, match="capacity"):
        Ring(capacity)


def test_the_next_capacity_is_named() -> None:
    with pytest.raises(InvalidSetting, match="give 1024"):
        Ring(1000)


@pytest.mark.parametrize("slot_bytes", [0, 4, 12, 65, 2**20 + 8, "64"])
def test_slot_sizes_that_there_are_not(slot_bytes: Any) -> None:
    with pytest.raises(InvalidSetting, match="slot_bytes"):
        Ring(2, slot_bytes)


def test_other_settings() -> None:
    with pytest.raises(InvalidSetting, match="not an Idle"):
        Ring(2, idle="spin")  # type: ignore[arg-type]
    for limit in (0, -1, 1.5):
        with pytest.raises(InvalidSetting, match="limit"):
            Ring(2).get_many(limit)  # type: ignore[arg-type]
    idle = Idle("spin")
    ring = Ring(2, blocking=False, idle=idle)
    assert ring.idle is idle
    assert not ring.blocking
    assert repr(ring) == "Ring(capacity=2, slot_bytes=64, blocking=False)"
    assert bool(ring)  # though nothing is in it


def test_a_ring_is_made_once_and_not_copied() -> None:
    ring = Ring(2)
    with pytest.raises(TypeError, match="called before"):
        Ring.__init__(ring, 4)
    with pytest.raises(TypeError):
        pickle.dumps(ring)


def test_a_ring_that_was_never_made() -> None:
    ring = Ring.__new__(Ring)
    assert len(ring) == 0
    assert ring.closed is False
    calls: list[Callable[[], Any]] = [ring.get, ring.try_get, ring.close, ring.check]
    calls += [
        lambda: ring.put(b""),
        lambda: ring.try_put(b""),
        lambda: ring.get_many(1),
        lambda: ring.put_records(np.zeros(1, "V64")),
    ]
    for call in calls:
        with pytest.raises((TypeError, InvalidMessage)):
            call()


def test_memory_comes_back() -> None:
    for _ in range(200):
        Ring(2**14)
    gc.collect()
