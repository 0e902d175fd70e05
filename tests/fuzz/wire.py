"""Bad input for the wire: random, mutated, cut at every byte; through framing and session, as many as you like.

python -m tests.fuzz.wire --inputs 10000000
"""

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from itertools import chain, islice, product
from typing import NamedTuple, TypeVar

import click

from pricetime.wire.framing import Frames
from pricetime.wire.messages import MAX_SIZE, MESSAGES, SIZES, decode
from pricetime.wire.rules import RULES, Role, State
from pricetime.wire.session import Ended, Session
from tests.wire.ends import GOOD, session

#: The least that a message takes.
MIN_SIZE = min(size for size in SIZES if size)

#: Inputs between two samples of the memory.
LOOK_EVERY = 100_000

PLACES = list(product(Role, State))
ENDS = {place: session(*place) for place in PLACES}
ENCODED = [message.encode() for message in GOOD.values()]
#: What may come at each place: a mutated stream of it goes deep before it goes wrong.
FITTING = {
    (role, state): [GOOD[kind].encode() for kind in RULES[state][role.other]] or ENCODED for role, state in PLACES
}

Case = TypeVar("Case")


class Input(NamedTuple):
    """Bytes that come to an end in a state, in pieces."""

    role: Role
    state: State
    pieces: list[bytes]


def cut_everywhere() -> Iterator[Input]:
    """Every message, cut at every byte, at every place: the first part alone, and both."""
    for (role, state), data in product(PLACES, ENCODED):
        for at in range(len(data) + 1):
            yield Input(role, state, [data[:at]])
            yield Input(role, state, [data[:at], data[at:]])


def drawn(rng: random.Random) -> Iterator[Input]:
    """Random and mutated ones, without end."""
    while True:
        role, state = rng.choice(PLACES)
        kind = rng.random()
        if kind < 0.25:
            data = rng.randbytes(rng.randrange(200))
        elif kind < 0.4:  # of a known type, else at random
            data = bytes([rng.choice(list(MESSAGES))]) + rng.randbytes(rng.randrange(100))
        else:
            pool = FITTING[role, state] if kind < 0.8 else ENCODED
            data = b"".join(rng.choices(pool, k=rng.randint(1, 5)))
            for _ in range(rng.choice([0, 1, 1, 1, 2, 5])):
                data = mutate(rng, data)
        yield Input(role, state, pieces(rng, data))


def mutate(rng: random.Random, data: bytes) -> bytes:
    """One byte or a few are other, gone, or there twice."""
    at = rng.randrange(len(data) + 1)
    size = rng.choice([1, 1, 2, 8, 40])
    how = rng.randrange(5)
    if how == 0:
        return data[:at] + rng.randbytes(size) + data[at + size :]
    if how == 1:
        return data[:at] + rng.choice([b"\0", b"\xff"]) * size + data[at + size :]
    if how == 2:
        return data[:at] + data[at + size :]
    if how == 3:
        return data[:at] + rng.randbytes(size) + data[at:]
    return data[:at] + data[max(0, at - size) :]


def pieces(rng: random.Random, data: bytes) -> list[bytes]:
    if rng.random() < 0.5:
        return [data]
    size = rng.choice([1, 7, 16, 48, 100])
    return [data[at : at + size] for at in range(0, len(data), size)]


def play(case: Input) -> str:
    """Put it in, and look whether all is as it must be. Returns how it ended."""
    end = copy(ENDS[case.role, case.state])
    end._frames = Frames()
    left = last = None
    for piece in case.pieces:
        events = end.receive(piece, 1)
        looked_at = len(piece) + MAX_SIZE if case.state is not State.CLOSED else 0
        assert len(events) <= looked_at // MIN_SIZE + 2, "more messages than bytes"
        assert all(not isinstance(event, Ended) for event in events[:-1]), "something after the end"
        if events:
            last = events[-1]
            left = last if isinstance(last, Ended) else None
    assert end.closed == (left is not None or case.state is State.CLOSED), "closed without an end"
    begun = end._frames._begun
    assert len(begun) < MAX_SIZE, "more than a frame is kept"
    if end.closed:
        assert end.receive(b"\x24" * 100, 1) == [], "something after the end"
    check_time(end)
    if left is None:
        return "goes on" if last else "nothing yet"
    assert not left.reply or decode(left.reply).type in {35, 37}
    return getattr(left.reason, "name", "a reason of tomorrow")


def check_time(end: Session) -> None:
    """What time demands can be said."""
    due = end.due(10**9 + 1)
    if due is not None and not isinstance(due, Ended):
        end.send(due, 10**9 + 1)
    end.due(10**18)


def resident_bytes() -> int:
    """The most this process ever had in memory."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


class Outcome(NamedTuple):
    endings: Counter[str]
    inputs: int
    bytes: int
    seconds: float
    grown_bytes: int  #: from the first sample of the memory to the last


def rounds(
    inputs: int, seed: int, cases: Iterable[Case], play: Callable[[Case], str], size: Callable[[Case], int]
) -> Outcome:
    """Play so many. Raises AssertionError with the input, for ``play``, when something is not as it must be."""
    endings: Counter[str] = Counter()
    began, first_look, played, n_bytes = time.perf_counter(), resident_bytes(), 0, 0
    for case in islice(cases, inputs):
        try:
            endings[play(case)] += 1
        except Exception as error:
            raise AssertionError(f"input {played} of seed {seed}: {case!r}") from error
        n_bytes += size(case)
        played += 1
        if played == LOOK_EVERY:
            first_look = resident_bytes()
    return Outcome(endings, played, n_bytes, time.perf_counter() - began, resident_bytes() - first_look)


def fuzz(inputs: int, seed: int) -> Outcome:
    cases = chain(cut_everywhere(), drawn(random.Random(seed)))
    return rounds(inputs, seed, cases, play, lambda case: sum(map(len, case.pieces)))


def tell(outcome: Outcome) -> None:
    """Print it. Exits with an error when the memory grew."""
    for ending, count in outcome.endings.most_common():
        click.echo(f"{count:>14,}  {ending}")
    click.echo(
        f"{outcome.inputs:,} inputs, {outcome.bytes:,} bytes in {outcome.seconds:.0f} s: "
        f"{outcome.inputs / outcome.seconds:,.0f} a second; memory grew by {outcome.grown_bytes / 2**20:.1f} MiB"
    )
    if outcome.grown_bytes > 8 * 2**20:
        sys.exit("the memory grows")


def command(fuzz: Callable[[int, int], Outcome], told: str) -> click.Command:
    @click.command(help=told)
    @click.option("--inputs", default=10_000_000, show_default=True, help="How many.")
    @click.option("--seed", type=int, help="Drawn when not given.")
    def main(inputs: int, seed: int | None) -> None:
        seed = random.SystemRandom().randrange(2**32) if seed is None else seed
        click.echo(f"{inputs:,} inputs from seed {seed}")
        tell(fuzz(inputs, seed))

    return main


main = command(fuzz, "Put bad input through framing and session: no crash, no hang, no growth.")

if __name__ == "__main__":
    main()
