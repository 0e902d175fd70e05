"""Books rebuilt from the reports of an engine are the engine's books after every command."""

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, COMPILED, Engine, Instrument, ReportKind
from pricetime.core.builder import BookBuilder
from tests.books import state
from tests.engines import ReferenceEngine, random_commands, random_instruments

#: Commands of a flow after each of whose reports every invariant is looked at.
STEPS = 400 if COMPILED else 200


def goes_on(reports: np.ndarray[Any, Any], index: int, engine: Engine) -> bool:
    """Is the order of a command still taking behind one of its reports? Known here from all of them, and what follows.

    It takes from the report that accepts or replaces it on, if more about a meeting follows: until the last that says
    what the order itself lost, or until the last of all where it rests after that.
    """
    first, last = reports[0], len(reports) - 1
    if first["kind"] not in (ReportKind.ACCEPTED, ReportKind.REPLACED):
        return False
    own = [i for i, r in enumerate(reports) if r["order_id"] == first["order_id"]]
    rests = first["order_id"] in engine.book(int(first["instrument"]))
    return index < (last if rests else own[-1])


@pytest.mark.parametrize("seed", range(30))
def test_random_flows(seed: int) -> None:
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    room: dict[str, Any] = {"capacity": rng.choice([3, 20, 200]), "level_capacity": rng.choice([2, 10, 200])}
    reference = ReferenceEngine(instruments, **room, owner_limit=25)
    engine = Engine(instruments, **room, owner_limit=25)
    builder = BookBuilder([Instrument(i.id, phase=i.phase) for i in instruments], **room)
    flow = random_commands(rng, STEPS, reference)
    for _ in range(STEPS):
        command = next(flow)
        reference.apply(command)
        reports = engine.apply(command)
        for report in range(len(reports)):
            builder.apply(reports[report : report + 1])
            builder.check()
            assert builder.in_progress == goes_on(reports, report, engine)
        assert not builder.in_progress
        assert builder.digest() == engine.digest() == reference.digest()
        if rng.random() < 0.02:
            builder = copy.copy(builder) if rng.random() < 0.5 else pickle.loads(pickle.dumps(builder))
    assert len(builder) == len(engine)
    for number in engine.instruments:
        assert state(builder.book(number))[2:] == state(engine.book(number))[2:]


@pytest.mark.parametrize("seed", range(20))
def test_runs_of_any_length_and_snapshots_between(seed: int) -> None:
    """Whatever is cut off in the middle of a command, a snapshot taken there goes on as the builder does."""
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    reference = ReferenceEngine(instruments, capacity=100, owner_limit=25)
    engine = Engine(instruments, capacity=100, owner_limit=25)
    builder = BookBuilder(instruments, capacity=100)
    commands = [np.zeros(0, COMMAND)]
    for command in random_commands(rng, 600, reference):
        commands.append(command)
        reference.apply(command)
    reports = engine.apply(np.concatenate(commands))
    done = 0
    while done < len(reports):
        count = rng.randint(0, 40)
        builder.apply(reports[done : done + count])
        done = min(done + count, len(reports))
        builder.check()
        snapshot = builder.snapshot()
        late = BookBuilder([7], capacity=100) if rng.random() < 0.5 else builder
        late.load_snapshot(snapshot)
        assert (late.seq_num, late.digest(), late.in_progress) == (done, builder.digest(), builder.in_progress)
        assert late.snapshot().orders.tobytes() == snapshot.orders.tobytes()
        assert late.instruments == builder.instruments
        builder = late
    assert builder.digest() == engine.digest()
