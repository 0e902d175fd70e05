"""Commands that are given to a server, and the books that the reference makes of each first part of them."""

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pricetime import COMMAND, Instrument, SelfTrade
from pricetime.log.configuration import Configuration
from tests.engines import ReferenceEngine, random_commands

Commands = np.ndarray[Any, np.dtype[np.void]]

CAPACITY, OWNERS = 64, 32

INSTRUMENTS = (Instrument(1, "ONE"), Instrument(2, "TWO", tick_size=5, self_trade=SelfTrade.DECREMENT))

CONFIGURATION = Configuration(INSTRUMENTS, capacity=CAPACITY, level_capacity=CAPACITY, owner_limit=OWNERS)

#: In the place of a command it is the journal's own: no gateway makes such a command.
CHECKPOINT = 15


@dataclass(frozen=True)
class World:
    """``commands[n - 1]`` has the sequence n; ``digests[n]`` is that of the books after it."""

    commands: Commands
    digests: list[int]

    def given(self, first: int, count: int, life: int) -> Commands:
        """The commands behind ``first``, as a server gives them in one of its lives: the books are the same in each."""
        commands = self.commands[first : first + count].copy()
        commands["session"] = life
        return commands


@lru_cache(64)
def make_world(seed: int, count: int) -> World:
    """Any flow."""
    rng = random.Random(seed)
    reference = ReferenceEngine(list(INSTRUMENTS), capacity=CAPACITY, owner_limit=OWNERS)
    commands, digests = [], [reference.digest()]
    for command in random_commands(rng, count, reference):
        if command["type"][0] == CHECKPOINT:
            command["type"] = 0
        reference.apply(command)
        commands.append(command)
        digests.append(reference.digest())
    flow: Commands = np.concatenate([np.zeros(0, COMMAND), *commands])
    flow["sequence"] = np.arange(1, len(flow) + 1)
    flow["timestamp"] = np.arange(1, len(flow) + 1) * 1000
    flow["length"] = 40
    return World(flow, digests)
