"""Compiled against uncompiled: the same flows give the same bytes and the same digests, and states can be exchanged."""

import os
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime import ALL_INSTRUMENTS, CommandType, Engine, Instrument
from tests.books import dumped
from tests.fuzz.case import Case
from tests.fuzz.flow import random_limits
from tests.properties.forms import Answers, Flow, answer

#: Settings of a case that are an engine's; the others are an instrument's.
ROOM = ("capacity", "level_capacity", "owner_limit", "limits")


def random_flow(seed: int) -> Flow:
    """One to three instruments with rules of their own, and commands for them, some of these malformed."""
    rng = random.Random(seed)
    parts, instruments = [], []
    for number in rng.sample(range(50), rng.randint(1, 3)):
        case = Case.draw(rng.getrandbits(32), 600)
        commands = case.commands()
        together = commands["type"] == CommandType.MASS_CANCEL
        commands["instrument"] = np.where(together & (rng.random() < 0.5), ALL_INSTRUMENTS, number)
        parts.append(commands)
        rules = {name: given for name, given in case.settings.items() if name not in ROOM}
        instruments.append(Instrument(number, tick_size=rng.choice([1, 1, 5]), lot_size=rng.choice([1, 1, 2]), **rules))
    mixed = np.concatenate(parts)
    np.random.default_rng(seed).shuffle(mixed)
    spoil(rng, mixed)
    room: dict[str, Any] = {"capacity": rng.choice([5, 100, 1000]), "owner_limit": rng.choice([0, 3, 25])}
    room["limits"] = random_limits(rng, room["owner_limit"])
    engine = Engine(instruments, **room)
    engine.apply(mixed[: rng.randrange(500)])
    return Flow(tuple(instruments), room, mixed, engine)


def spoil(rng: random.Random, commands: np.ndarray[Any, Any]) -> None:
    """Random bytes in some fields of a few commands, as a broken client sends them."""
    for i in rng.sample(range(len(commands)), len(commands) // 20):
        name = rng.choice([name for name in commands.dtype.names or () if name not in ("sequence", "length")])
        commands[name][i] = rng.getrandbits(8 * commands[name].itemsize) >> 1
    commands["instructions"] &= 127  # an order that waits for its extension has no state to exchange


def answer_elsewhere(flows: list[Flow], folder: Path) -> Answers:
    """The results of a second process, in the uncompiled form and with a different seed for its id tables."""
    (folder / "flows").write_bytes(pickle.dumps(flows))
    call = "import sys; from tests.properties.forms import main; main(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", call, str(folder / "flows"), str(folder / "answers")],
        env={**os.environ, "PRICETIME_PURE": "1"},
        cwd=Path(__file__).parents[2],
        check=True,
    )
    answers: Answers = pickle.loads((folder / "answers").read_bytes())
    return answers


@pytest.mark.compiled
def test_both_forms_answer_alike(tmp_path: Path) -> None:
    flows = [random_flow(seed) for seed in range(24)]
    theirs = answer_elsewhere(flows, tmp_path)
    ours = answer(flows)
    assert (ours.compiled, theirs.compiled) == (True, False)
    assert theirs.reports == ours.reports
    assert theirs.digests == ours.digests
    assert theirs.records == ours.records
    assert sum(map(len, ours.reports)) > 48 * 50_000


@pytest.mark.compiled
def test_a_state_goes_from_one_form_to_the_other(tmp_path: Path) -> None:
    flows = [random_flow(seed) for seed in range(100, 108)]
    theirs = answer_elsewhere(flows, tmp_path)
    for flow, engine in zip([flow for flow in flows for _ in range(2)], theirs.engines, strict=True):
        ours = Engine(flow.instruments, **flow.room)
        ours.restore(engine.dump())
        assert ours.digest() == engine.digest()
        engine.check()
        assert len(engine) == len(ours)
        assert dumped(ours) == dumped(engine)
