"""Every interleaving of the ring's protocol at small size, and of protocols that are nearly it and wrong."""

from itertools import product

import pytest

from tests.ring.memory_model import ACQUIRE, RELAXED, RELEASE, Machine, Wrong, fence, hold, load, read, store, write
from tests.ring.protocol import BLOCKING_MUTANTS, MUTANTS, ring

ENDS = pytest.mark.parametrize("closes", [True, False], ids=["closes", "does not close"])


@ENDS
@pytest.mark.parametrize(("capacity", "batch"), list(product([2, 4], [1, 2, 3, 4])))
def test_nothing_is_lost_doubled_or_torn(capacity: int, batch: int, closes: bool) -> None:
    """Once around and two more, whatever the batch."""
    assert ring(capacity, capacity + 2, batch=batch, closes=closes).explore() > 20


def test_cursors_that_wrap_around() -> None:
    """Slots are found by position modulo capacity: where the count begins does not matter."""
    assert ring(2, 6, start=3).explore() == ring(2, 6).explore()


@ENDS
@pytest.mark.parametrize(("records", "batch"), [(3, 1), (4, 2)])
def test_no_wake_up_is_lost(records: int, batch: int, closes: bool) -> None:
    assert ring(2, records, batch=batch, sleeps=1, closes=closes).explore() > 1000


def test_no_wake_up_is_lost_by_who_sleeps_again() -> None:
    assert ring(2, 3, sleeps=2, closes=False).explore() > 100_000


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("sleeps", [0, 1], ids=["spins", "blocks"])
def test_a_mutant_is_found(mutant: str, sleeps: int) -> None:
    with pytest.raises(Wrong):
        ring(2, 3, sleeps=sleeps, mutant=mutant).explore()


@pytest.mark.parametrize("mutant", BLOCKING_MUTANTS)
def test_a_mutant_that_loses_a_wake_up_or_the_end_is_found(mutant: str) -> None:
    with pytest.raises(Wrong):
        ring(2, 3, sleeps=1, mutant=mutant).explore()


# The checker itself: it must find what is known to be allowed, and nothing that is known to be forbidden.


def test_message_passing() -> None:
    """A record behind a flag: right with release and acquire, a race with either relaxed."""

    def outcome(stored: str, loaded: str) -> int:
        sender = [write(0, lambda _: 0, lambda _: 7), store("flag", lambda _: 1, stored)]
        receiver = [
            load("flag", "got", loaded),
            read(0, lambda r: 0 if r["got"] else 1, lambda r: 7 if r["got"] else -1),
        ]
        return Machine({"sender": sender, "receiver": receiver}, {"flag": 0}, 2, {"got": 0}).explore()

    assert outcome(RELEASE, ACQUIRE) > 4
    for orders in ((RELAXED, ACQUIRE), (RELEASE, RELAXED), (RELAXED, RELAXED)):
        with pytest.raises(Wrong, match="read while it may be written"):
            outcome(*orders)


@pytest.mark.parametrize("fenced", [True, False])
def test_store_buffering(fenced: bool) -> None:
    """Each stores its own and looks at the other's: both may miss it, unless both have a fence between."""
    between = [fence()] if fenced else []
    one = [store("x", lambda _: 1), *between, load("y", "got"), store("one", lambda r: r["got"], RELEASE)]
    two = [store("y", lambda _: 1), *between, load("x", "got"), load("one", "other", ACQUIRE)]
    two.append(hold("that one of them saw the other", lambda r: r["got"] or r["other"]))
    machine = Machine({"one": one, "two": two}, {"x": 0, "y": 0, "one": 1}, 0, {"got": 0, "other": 0})
    if fenced:
        assert machine.explore() > 8
    else:
        with pytest.raises(Wrong, match="one of them saw the other"):
            machine.explore()


def test_values_are_not_seen_backwards() -> None:
    writer = [store("x", lambda _: 1), store("x", lambda _: 2)]
    reader = [load("x", "a"), load("x", "b"), hold("that b is not older", lambda r: r["b"] >= r["a"])]
    assert Machine({"writer": writer, "reader": reader}, {"x": 0}, 0, {"a": 0, "b": 0}).explore() > 6
