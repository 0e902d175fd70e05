"""Commands, pages and term records for tests."""

import numpy as np

from pricetime import COMMAND, Instrument
from pricetime.cluster.page import NO_DIGEST, Page, TermRecord
from pricetime.log.batch import Checkpoint, Commands
from pricetime.log.configuration import Configuration

CONFIGURATION = Configuration((Instrument(1, "ONE"),), capacity=1024, level_capacity=1024, owner_limit=16)


def commands(first: int, count: int, seed: int = 1) -> Commands:
    """Commands of any bytes, with sequences from ``first`` on."""
    drawn = np.random.default_rng(seed).integers(0, 256, count * COMMAND.itemsize, np.uint8)
    made = drawn.view(COMMAND)
    made["sequence"] = np.arange(first, first + count, dtype=np.uint64)
    return made


def page(term: int, first: int, count: int, before: bytes, points: int = 0) -> Page:
    """A page of ``count`` commands with ``points`` checkpoints."""
    checkpoints = [Checkpoint(index, first + index - 1, 0, index, index) for index in range(points)]
    return Page.make(term, first, commands(first, count), checkpoints, before)


def term_record(term: int, first: int, before: bytes = NO_DIGEST, node: str = "a") -> TermRecord:
    """The record with which ``node`` begins a term."""
    return TermRecord.make(
        term, first, before,
        node=node, began_ns=10**18, epoch=5, configuration=CONFIGURATION,
        addresses={"orders": "127.0.0.1:7001", "recovery": "127.0.0.1:7002"}, program="0.1.0",
    )  # fmt: skip
