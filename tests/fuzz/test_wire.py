"""Some bad input with every run, and what it leaves in memory."""

import gc
import random
import tracemalloc

import pytest
from click.testing import CliRunner

from pricetime.wire.rules import Role, State
from pricetime.wire.session import Session
from tests.fuzz import wire
from tests.wire.ends import GOOD, session


def test_cut_at_every_byte_at_every_place() -> None:
    cases = list(wire.cut_everywhere())
    assert len(cases) == 2 * len(wire.PLACES) * sum(len(data) + 1 for data in wire.ENCODED)
    for case in cases:
        wire.play(case)


@pytest.mark.parametrize("seed", range(4))
def test_random_and_mutated(seed: int) -> None:
    source = wire.drawn(random.Random(seed))
    endings = {wire.play(next(source)) for _ in range(5000)}
    assert endings >= {"goes on", "nothing yet", "UNKNOWN_TYPE", "OUT_OF_STATE", "SEQUENCE_BROKEN", "CLIENT_LOGOUT"}
    assert endings >= {"BAD_VERSION", "BAD_CREDENTIALS"}


def test_nothing_is_left_in_memory() -> None:
    source = wire.drawn(random.Random(1))
    for _ in range(1000):
        wire.play(next(source))
    gc.collect()
    tracemalloc.start()
    for _ in range(1000):  # the tracer's own
        wire.play(next(source))
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(3000):
        wire.play(next(source))
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000


def test_a_stream_that_never_ends_leaves_nothing() -> None:
    """One session, megabytes of orders in odd pieces."""
    end = session(Role.EXCHANGE, State.ACTIVE)
    piece = GOOD[1].encode() * 100
    tracemalloc.start()
    at = 0
    for _ in range(300):
        assert len(end.receive(piece[at:] + piece[: at + 7], 0)) in range(95, 105)
        at = (at + 7) % 40
    size, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 20_000
    assert most < 200_000
    assert len(end._frames._begun) < 40


def test_a_fault_is_told_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self: Session, data: bytes, now_ns: int) -> list[object]:
        return [object()] * 1000

    monkeypatch.setattr(Session, "receive", careless)
    with pytest.raises(AssertionError, match=r"input 0 of seed 5: Input\(role="):
        wire.fuzz(10, 5)


def test_the_command() -> None:
    run = CliRunner().invoke(wire.main, ["--inputs", "2000", "--seed", "3"])
    assert run.exit_code == 0, run.output
    assert "2,000 inputs" in run.output
    assert "MiB" in run.output
