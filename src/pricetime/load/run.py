"""One run of the load generator: a schedule of orders, its result, and how it went over time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..native.histogram import Histogram
from .load import Load, LoadFailed, Pace
from .plan import Plan
from .run_file import Latency, LoadResult, Moment

#: Length of an interval of ``over_time``, in seconds.
INTERVAL_S = 0.25

#: Seconds between two checks.
POLL_S = 0.01

#: The schedule starts this many seconds from now, so that the first order is not late.
LEAD_S = 0.005

#: The rate is reached if the last order is sent and answered at most this share of the run after it was due, or this
#: many seconds if that is longer.
BEHIND, BEHIND_S = 0.01, 0.05

Latencies: TypeAlias = Mapping[str, Histogram]
Counts: TypeAlias = NDArray[np.uint64]  # of the buckets of a Histogram


@dataclass(kw_only=True)
class Result(LoadResult):
    """The result of a run. ``latencies``: of the round trip in ns, by kind of command."""

    asked: float  #: orders per second, on average; 0: as fast as possible
    reached: bool = True  #: were orders sent and answered as fast as they came due?
    started_at: float = 0.0  #: seconds since 1970
    ended_at: float = 0.0
    latencies: Latencies = field(default_factory=dict)
    over_time: list[Moment] = field(default_factory=list)


def fill(load: Load, first: Plan) -> None:
    """Fill the book with a plan that is not measured. Raises LoadFailed."""
    load.send(first, measured=False)
    load.wait_answered()


class Run:
    """Sends orders at a pace over the sessions of a ``Load``. Calls ``on_sample`` after each interval.

    ``hopeless``: called after each interval with the counts of all latencies so far; True ends the sending.
    """

    def __init__(
        self,
        load: Load,
        pace: Pace,
        *,
        on_sample: Callable[[Moment], None] = lambda _: None,
        hopeless: Callable[[Counts], bool] = lambda _: False,
    ) -> None:
        self.load, self.pace = load, pace
        self.result = Result(
            asked=pace.rate, sent=0, answered=0, seconds=0.0, sent_per_s=0.0, answered_per_s=0.0, late=0, complete=False
        )
        self._on_sample, self._hopeless = on_sample, hopeless
        self._orders = 0
        self._start = self._interval_ends = 0.0
        self._seen = np.zeros(0, np.uint64)  # counts of latencies at the end of the last interval
        self._sent = self._answered = 0
        self._cut = False
        #: Plans not wholly sent, each with the number of orders before it.
        self._offered: deque[tuple[int, Plan]] = deque()
        self._released_before = load.released

    def go(self, plans: Iterable[Plan]) -> list[Plan]:
        """Send all plans and wait for the answers. ``result`` then has the figures, and the failure if there was one.

        Returns the plans that were not sent because ``hopeless`` ended the run.
        """
        self.load.start_anew()
        self._start = time.perf_counter() + LEAD_S
        self._interval_ends = self._start + INTERVAL_S
        self.result.started_at = time.time()
        left: list[Plan] = []
        try:
            self._send(plans)
            left = self._unsent() if self._cut else []
            self._until_answered()
            self.result.complete = not self._cut
        except LoadFailed as error:
            self.result.failure = str(error)
        except KeyboardInterrupt:
            self.result.failure = "interrupted"
        self._finish()
        return left

    def _send(self, plans: Iterable[Plan]) -> None:
        """Offer plans as there is room, and record intervals in between."""
        for plan in plans:
            self._wait(partial(self._offer, plan))
            self._offered.append((self._orders, plan))
            self._orders += plan.count
            self._drop_sent()
            self._sample()
        self._wait(lambda: self._cut or self.load.is_released)

    def _offer(self, plan: Plan) -> bool:
        """Queue the plan, unless the schedule is cut. False: no room yet."""
        return self._cut or self.load.offer(plan, self.pace, self._start, self._orders)

    def _drop_sent(self) -> None:
        sent = self.load.released - self._released_before
        while self._offered and self._offered[0][0] + self._offered[0][1].count <= sent:
            self._offered.popleft()

    def _unsent(self) -> list[Plan]:
        """Cut the schedule: the plans that remain."""
        self.load.cut()
        sent = self.load.released - self._released_before
        self._orders = sent
        return [plan.part(max(0, sent - first)) for first, plan in self._offered if first + plan.count > sent]

    def _until_answered(self) -> None:
        self._wait(lambda: self.load.measured.answered >= self._orders)
        self._sample(last=True)

    def _wait(self, done: Callable[[], bool]) -> None:
        """Wait, and record intervals meanwhile. Raises LoadFailed."""
        self.load.wait(done, self._sample, POLL_S)

    def _sample(self, *, last: bool = False) -> None:
        """Record an interval if one has passed."""
        now = time.perf_counter()
        if now < self._interval_ends and not last:
            return
        counts, measured, now = self.load.latency_counts(), self.load.measured, time.perf_counter()
        sent, answered = measured.sent, measured.answered  # the loop counts on
        new = counts - self._seen if self._seen.size else counts
        p50, p99, most = Histogram.from_array(new).percentiles((50, 99, 100))
        moment = Moment(
            s=round(now - self._start, 3), sent=sent - self._sent, answered=answered - self._answered,
            p50=p50, p99=p99, max=most,
        )  # fmt: skip
        self._seen, self._sent, self._answered = counts, sent, answered
        self._interval_ends = max(self._interval_ends + INTERVAL_S, now)
        self.result.over_time.append(moment)
        self._on_sample(moment)
        self._cut = self._cut or self._hopeless(counts)

    def _finish(self) -> None:
        """Fill in the totals of the result."""
        result, measured = self.result, self.load.measured
        result.ended_at = time.time()
        result.latencies = self.load.latencies()
        result.sent, result.answered, result.late = measured.sent, measured.answered, measured.late
        last_sent = measured.last_sent_ns / 1e9
        last = max(measured.last_answer_ns / 1e9, last_sent)
        sending = max(last_sent - self._start, self.pace.seconds(measured.sent), 1e-9)
        result.seconds = max(0.0, last - self._start)
        result.sent_per_s = measured.sent / sending
        result.answered_per_s = measured.answered / max(result.seconds, self.pace.seconds(measured.answered), 1e-9)
        if self.pace.rate:
            result.asked = measured.sent / max(self.pace.seconds(measured.sent), 1e-9)
            behind = last - measured.last_due_ns / 1e9
            result.reached = behind <= max(BEHIND_S, BEHIND * self.pace.seconds(measured.sent))


def total(latencies: Latencies) -> Histogram:
    """One histogram of all kinds."""
    found = Histogram()
    for histogram in latencies.values():
        found.merge(histogram)
    return found


def by_kind(latencies: Latencies) -> dict[str, Latency]:
    """Percentiles in ns, of all commands together and of each kind."""
    return {"all": Latency.of(total(latencies)), **{kind: Latency.of(each) for kind, each in latencies.items()}}


def above(counts: Counts, limit_ns: int) -> int:
    """How many values exceed a limit, to the precision of a bucket."""
    probe = Histogram()
    probe.record_many([limit_ns])
    return int(counts[int(np.flatnonzero(probe.array())[0]) + 1 :].sum())
