"""Commands that are given to a server, and the books that the reference makes of each first part of them."""

import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pricetime import COMMAND, CommandType, Instruction, Instrument, SelfTrade
from pricetime.log.configuration import Configuration
from pricetime.log.layout import CHECKPOINT
from pricetime.profiles import Venue
from tests.engines import ReferenceEngine, random_commands
from tests.reference.venue_flow import Flow

Commands = np.ndarray[Any, np.dtype[np.void]]

CAPACITY, OWNERS = 64, 32

INSTRUMENTS = (
    Instrument(1, "ONE", venue=Venue(reference_price=100, dynamic_range=5, all_or_none=True)),
    Instrument(2, "TWO", tick_size=5, self_trade=SelfTrade.DECREMENT),
)

CONFIGURATION = Configuration(INSTRUMENTS, capacity=CAPACITY, level_capacity=CAPACITY, owner_limit=OWNERS)


@dataclass(frozen=True)
class World:
    """``commands[n - 1]`` has the sequence n; ``digests[n]`` is that of the books after it."""

    commands: Commands
    digests: list[int]

    def waits(self, sequence: int) -> bool:
        """Does the order with this sequence wait for its extension?"""
        command = self.commands[sequence - 1]
        kinds = (CommandType.NEW_ORDER, CommandType.REPLACE_ORDER)
        return sequence > 0 and command["type"] in kinds and bool(command["instructions"] & Instruction.EXTENDED)

    def given(self, first: int, count: int, life: int) -> Commands:
        """The commands behind ``first``, as a server gives them in one of its lives: the books are the same in each."""
        commands = self.commands[first : first + count].copy()
        commands["session"] = life
        return commands


def of_venue(flow: Flow, reference: ReferenceEngine) -> Commands:
    """A command of any kind for the first instrument, with its extension."""
    commands = flow.next(list(reference.books[1].by_id))
    commands["instrument"][0] = 1
    return commands


@lru_cache(64)
def make_world(seed: int, count: int) -> World:
    """Any flow: orders of every kind, phases, auctions and expiries of the first instrument; anything for both."""
    rng = random.Random(seed)
    reference = ReferenceEngine(list(INSTRUMENTS), capacity=CAPACITY, owner_limit=OWNERS)
    special, plain = Flow(rng, all_or_none=True), random_commands(rng, count, reference)
    parts, digests = [np.zeros(0, COMMAND)], [reference.digest()]
    while len(digests) <= count:
        drawn = of_venue(special, reference) if rng.random() < 0.5 else next(plain)
        for command in np.split(drawn, len(drawn))[: count + 1 - len(digests)]:
            if command["type"][0] == CHECKPOINT:  # the journal's own: no gateway makes such a command
                command["type"] = 0
            command["timestamp"] = special.now
            reference.apply(command)
            parts.append(command)
            digests.append(reference.digest())
    flow: Commands = np.concatenate(parts)
    flow["sequence"] = np.arange(1, len(flow) + 1)
    flow["length"] = 40
    return World(flow, digests)
