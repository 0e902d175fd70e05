"""Rebuilds books from a feed, without sockets: a sequencer, and a builder that applies its reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pricetime.client.answers import Answer, RangeAnswer
from pricetime.client.feed_state import FeedState
from pricetime.client.sequencer import Sequencer
from pricetime.core.builder import BookBuilder
from pricetime.errors import ReportMismatch, SnapshotMismatch
from pricetime.types import REPORT

Reports = np.ndarray[Any, np.dtype[np.void]]


class Follower:
    """``on_reports`` is called with each applied array of ``pricetime.REPORT``."""

    def __init__(self, builder: BookBuilder, sequencer: Sequencer) -> None:
        self.builder, self.sequencer = builder, sequencer
        self.on_reports: Callable[[Reports], object] | None = None
        self._misfit = 0  # number of the last report of the recovery server that did not fit

    @property
    def is_whole(self) -> bool:
        """Whether all known reports are applied and heartbeats come."""
        return self.sequencer.state is FeedState.WHOLE

    def receive(self, datagram: bytes, now: float) -> None:
        """Process a datagram of the feed. Raises as ``answer``."""
        self._apply(self.sequencer.receive(datagram, now), now)

    def followed(self, pieces: int, checksum: int, reports: bytes) -> None:
        """The caller has applied the next reports itself, from so many pieces. ``reports``: for ``on_reports``.

        ``checksum``: of all applied reports.
        """
        if self.builder.seq_num >= self.sequencer.next_sequence:
            self.sequencer.passed(self.builder.seq_num + 1, pieces, checksum)
            if self.on_reports is not None:
                self.on_reports(np.frombuffer(reports, REPORT))

    def answer(self, answer: Answer, now: float) -> None:
        """Process an answer of the recovery server.

        Raises OrdersFull and LevelsFull if the exchange's books exceed the capacity, and ReportMismatch if a report of
        the recovery server does not fit even after a snapshot.
        """
        sequencer = self.sequencer
        if isinstance(answer, RangeAnswer):
            sent = answer.seq_num + len(answer.reports) // REPORT.itemsize
            self._apply(sequencer.answer_range(answer, now), now, sent)
            return
        if not sequencer.takes_snapshot(answer.epoch, answer.term, now):
            return
        try:
            self.builder.load_snapshot(answer.snapshot)
        except SnapshotMismatch:
            sequencer.no_answer(now)
            return
        snapshot = answer.snapshot
        runs = sequencer.answer_snapshot(snapshot.seq_num, answer.epoch, snapshot.checksum, now, answer.term)
        self._apply(runs, now)

    def _apply(self, runs: list[bytes], now: float, sent: int = 0) -> None:
        """Apply runs of reports. The recovery server sent those before the number ``sent``.

        A report that does not fit may be forged, unless the recovery server sent it.
        """
        for run in runs:
            reports = np.frombuffer(run, REPORT)
            try:
                self.builder.apply(reports)
            except ReportMismatch as error:
                self.sequencer.mismatch(error.seq_num, now)
                if error.seq_num < sent:
                    if error.seq_num == self._misfit:
                        raise
                    self._misfit = error.seq_num
                return
            if self.on_reports is not None:
                self.on_reports(reports)
