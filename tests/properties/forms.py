"""Play flows in whichever form runs here, for a process of the other form to compare."""

import pickle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pricetime import COMPILED, Engine, Instrument
from tests.books import dumped


class Flow(NamedTuple):
    instruments: tuple[Instrument, ...]
    room: dict[str, Any]  #: capacity, owner_limit and limits
    commands: np.ndarray[Any, Any]
    engine: Engine  #: in some state, to go on from


class Answers(NamedTuple):
    compiled: bool
    reports: list[bytes]
    digests: list[int]
    records: list[bytes]  #: of the state at the end
    engines: list[Engine]  #: at the end


def answer(flows: list[Flow]) -> Answers:
    answers = Answers(COMPILED, [], [], [], [])
    for flow in flows:
        for engine in (Engine(flow.instruments, **flow.room), flow.engine):
            half = len(flow.commands) // 2
            for commands in (flow.commands[:half], flow.commands[half:]):
                answers.reports.append(engine.apply(commands).tobytes())
                answers.digests.append(engine.digest())
            engine.check()
            answers.records.append(dumped(engine))
            answers.engines.append(engine)
    return answers


def main(given: str, written: str) -> None:
    """Read pickled flows, write pickled answers."""
    Path(written).write_bytes(pickle.dumps(answer(pickle.loads(Path(given).read_bytes()))))
