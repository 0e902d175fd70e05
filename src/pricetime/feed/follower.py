"""The books that a feed makes: the sequencer, and what it hands out applied. No sockets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pricetime.core.builder import BookBuilder
from pricetime.errors import ReportMismatch, SnapshotMismatch
from pricetime.feed.answers import Answer, RangeAnswer
from pricetime.feed.sequencer import FeedState, Sequencer
from pricetime.types import REPORT

Reports = np.ndarray[Any, np.dtype[np.void]]


class Follower:
    """``on_reports`` is called with each array of ``pricetime.REPORT`` that was applied."""

    def __init__(self, builder: BookBuilder, sequencer: Sequencer) -> None:
        self.builder, self.sequencer = builder, sequencer
        self.on_reports: Callable[[Reports], object] | None = None
        self._misfit = 0  # the last report that did not fit

    @property
    def is_whole(self) -> bool:
        """Is every report that is known of in the books?"""
        return self.sequencer.state is FeedState.WHOLE

    def receive(self, datagram: bytes, now: float) -> None:
        """One datagram of the feed. Raises as ``answer``."""
        self._apply(self.sequencer.receive(datagram, now), now)

    def followed(self, pieces: int, reports: bytes) -> None:
        """The caller applied what follows itself, in so many pieces: ``reports`` where they are wanted."""
        if self.builder.seq_num >= self.sequencer.next_sequence:
            self.sequencer.passed(self.builder.seq_num + 1, pieces)
            if self.on_reports is not None:
                self.on_reports(np.frombuffer(reports, REPORT))

    def answer(self, answer: Answer, now: float) -> None:
        """What the recovery server says to what was wanted.

        Raises OrdersFull and LevelsFull where the exchange's books are larger than these may be, and ReportMismatch
        where a report does not fit even the books of a snapshot.
        """
        sequencer = self.sequencer
        if isinstance(answer, RangeAnswer):
            self._apply(sequencer.answer_range(*answer, now), now)
            return
        try:
            if sequencer.is_stale(answer.epoch):
                raise SnapshotMismatch("it is of a feed that is over")
            self.builder.load_snapshot(answer.snapshot)
        except SnapshotMismatch:
            sequencer.no_answer(now)
            return
        self._apply(sequencer.answer_snapshot(answer.snapshot.seq_num, answer.epoch, now), now)

    def _apply(self, runs: list[bytes], now: float) -> None:
        for run in runs:
            reports = np.frombuffer(run, REPORT)
            try:
                self.builder.apply(reports)
            except ReportMismatch as error:
                self.sequencer.mismatch(error.seq_num, now)
                if error.seq_num == self._misfit:
                    raise
                self._misfit = error.seq_num
                return
            if self.on_reports is not None:
                self.on_reports(reports)
