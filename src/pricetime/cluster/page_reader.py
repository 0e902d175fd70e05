"""Reads the messages of a stream as a log: what a follower's machine runs."""

from __future__ import annotations

from collections import deque

import numpy as np

from ..log.batch import Batch, Position
from ..log.configuration import Configuration
from ..types import COMMAND
from .page import Message, TermRecord

NOTHING = np.empty(0, COMMAND)


class PageReader:
    """A ``LogReader`` of messages that are added one by one. It begins after the command ``sequence``."""

    def __init__(self, sequence: int, configuration: Configuration, epoch: int) -> None:
        self.configuration = configuration
        self.epoch = epoch
        self._sequence = sequence
        self._batches: deque[Batch] = deque()

    @property
    def position(self) -> Position:
        """After the last command that was read; only its sequence means anything."""
        return Position(0, 0, 0, self._sequence)

    def add(self, message: Message) -> Batch | None:
        """Add the next message. Returns its commands that are new, as a batch; None for a term record."""
        if isinstance(message, TermRecord):
            self.configuration, self.epoch = message.configuration, message.epoch
            self._batches.append(Batch(NOTHING, [], self.configuration, self.epoch))
            return None
        known = max(0, self._sequence + 1 - message.first)  # of a page of which the journal has a part
        points = [point._replace(index=point.index - known) for point in message.checkpoints if point.index >= known]
        batch = Batch(message.commands[known:], points, self.configuration, self.epoch)
        self._batches.append(batch)
        return batch

    def read(self, limit: int) -> Batch:
        """Return the commands of the next message, at most ``limit`` of them; an empty batch without one."""
        if not self._batches:
            return Batch(NOTHING, [], self.configuration, self.epoch)
        batch = self._batches.popleft()
        if len(batch.commands) > limit:
            points = [point._replace(index=point.index - limit) for point in batch.checkpoints if point.index > limit]
            self._batches.appendleft(batch._replace(commands=batch.commands[limit:], checkpoints=points))
            points = [point for point in batch.checkpoints if point.index <= limit]
            batch = batch._replace(commands=batch.commands[:limit], checkpoints=points)
        if len(batch.commands):
            self._sequence = int(batch.commands["sequence"][-1])
        return batch
