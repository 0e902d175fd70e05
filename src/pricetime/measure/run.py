"""One run of load: a schedule of orders, what came of it, and how it went over time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .histogram import Histogram
from .latency import NAMES
from .load import Load, LoadFailed, Pace
from .plan import Plan
from .run_file import Latency

#: Seconds between two looks at a run.
LOOK_S = 0.25

#: Seconds between two looks whether there is something to do.
NAP_S = 0.01

#: From a look to the start, so that the first order is not late already.
LEAD_S = 0.005

#: A rate counts as reached when the last order was sent, and answered, no later after it was due than this share of the
#: run, and this time where that is longer.
BEHIND, BEHIND_S = 0.01, 0.05

Latencies: TypeAlias = Mapping[str, Histogram]
Counts: TypeAlias = NDArray[np.uint64]  # of the buckets of a Histogram


class Interval(NamedTuple):
    """What happened between two looks."""

    s: float  #: seconds from the start of the run to the end of this
    sent: int
    answered: int
    p50: int  #: ns
    p99: int
    max: int


@dataclass
class Result:
    """What a run came to. ``latencies``: of the round trip in ns, by kind of command."""

    pace: Pace
    asked: float  #: orders a second, on average; 0: as fast as it goes
    sent: int = 0
    answered: int = 0
    seconds: float = 0.0  #: from the first order due to the last answer
    sent_per_s: float = 0.0
    answered_per_s: float = 0.0
    late: int = 0  #: orders sent over 1 ms after they were due
    reached: bool = True  #: were orders sent, and answered, as fast as they were due?
    complete: bool = False
    failure: str | None = None
    started_at: float = 0.0  #: seconds since 1970
    ended_at: float = 0.0
    latencies: Latencies = field(default_factory=dict)
    over_time: list[Interval] = field(default_factory=list)


def fill(load: Load, first: Plan) -> None:
    """Fill the book, without measuring it. Raises LoadFailed."""
    load.send(first, measured=False)
    load.wait_answered()


class Run:
    """Orders at a pace over the sessions of a ``Load``. ``on_sample`` is called with each interval that has passed.

    ``hopeless``: called with the counts of all latencies so far at every look; where it says True, no more orders are
    sent.
    """

    def __init__(
        self,
        load: Load,
        pace: Pace,
        *,
        on_sample: Callable[[Interval], None] = lambda _: None,
        hopeless: Callable[[Counts], bool] = lambda _: False,
    ) -> None:
        self.load, self.pace = load, pace
        self.result = Result(pace, pace.rate)
        self._on_sample, self._hopeless = on_sample, hopeless
        self._orders = 0
        self._start = self._next_look = 0.0
        self._seen = np.zeros(0, np.uint64)  # counts of latencies at the last look
        self._sent = self._answered = 0
        self._answers_known, self._answers_since = -1, 0.0
        self._cut = False
        self._offered: deque[tuple[int, Plan]] = deque()  # with the orders before each; without those that are sent
        self._released_before = load.released

    def go(self, plans: Iterable[Plan | None]) -> list[Plan]:
        """Send them all, and wait for the answers: ``result`` then has what came of it; what failed stands in it too.

        Returns the plans that were not sent, because it was hopeless.
        """
        self.load.start_anew()
        self._start = time.perf_counter() + LEAD_S
        self._next_look = self._start + LOOK_S
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

    def _send(self, plans: Iterable[Plan | None]) -> None:
        """Offer plans as there is room, and look at it all in between."""
        for plan in plans:
            if plan is None:
                self._nap()
                continue
            while not self._cut and not self.load.offer(plan, self.pace, self._start, self._orders):
                self._nap()
            self._offered.append((self._orders, plan))
            self._orders += plan.count
            self._drop_sent()
            self._look()
        while not self.load.is_released and not self._cut:
            self._nap()

    def _drop_sent(self) -> None:
        sent = self.load.released - self._released_before
        while self._offered and self._offered[0][0] + self._offered[0][1].count <= sent:
            self._offered.popleft()

    def _unsent(self) -> list[Plan]:
        """Behind a cut: the end of what was to be sent."""
        self.load.cut()
        sent = self.load.released - self._released_before
        self._orders = sent
        return [plan.part(max(0, sent - first)) for first, plan in self._offered if first + plan.count > sent]

    def _until_answered(self) -> None:
        while self.load.measured.answered < self._orders:
            self._nap()
        self._look(last=True)

    def _nap(self) -> None:
        """Raises LoadFailed, also when there is something to be answered and nothing comes for a while."""
        self.load.check()
        answers, now = self.load.answers, time.monotonic()
        if answers != self._answers_known or answers == self.load.released:
            self._answers_known, self._answers_since = answers, now
        elif now - self._answers_since > self.load.patience:
            waiting = self.load.released - answers
            raise LoadFailed(f"{waiting:,} orders were not answered within {self.load.patience:g} s")
        time.sleep(max(0.001, min(NAP_S, self._next_look - time.perf_counter())))
        self._look()

    def _look(self, *, last: bool = False) -> None:
        """Take down an interval when one has passed."""
        now = time.perf_counter()
        if now < self._next_look and not last:
            return
        counts, measured, now = self.load.latency_counts(), self.load.measured, time.perf_counter()
        new = counts - self._seen if self._seen.size else counts
        p50, p99, most = Histogram.from_array(new).percentiles((50, 99, 100))
        sent, answered = measured.sent - self._sent, measured.answered - self._answered
        interval = Interval(round(now - self._start, 3), sent, answered, p50, p99, most)
        self._seen, self._sent, self._answered = counts, measured.sent, measured.answered
        self._next_look = max(self._next_look + LOOK_S, now)
        self.result.over_time.append(interval)
        self._on_sample(interval)
        self._cut = self._cut or self._hopeless(counts)

    def _finish(self) -> None:
        """What it all came to."""
        result, measured = self.result, self.load.measured
        result.ended_at = time.time()
        result.latencies = self.load.latencies()
        result.sent, result.answered, result.late = measured.sent, measured.answered, measured.late
        sending = max(measured.last_sent - self._start, self.pace.seconds(measured.sent), 1e-9)
        result.seconds = max(0.0, max(measured.last_answer, measured.last_sent) - self._start)
        result.sent_per_s = measured.sent / sending
        result.answered_per_s = measured.answered / max(result.seconds, self.pace.seconds(measured.answered), 1e-9)
        if self.pace.rate:
            result.asked = measured.sent / max(self.pace.seconds(measured.sent), 1e-9)
            behind = max(measured.last_sent, measured.last_answer) - measured.last_due
            result.reached = behind <= max(BEHIND_S, BEHIND * self.pace.seconds(measured.sent))


def total(latencies: Latencies) -> Histogram:
    """Those of all kinds in one."""
    found = Histogram()
    for histogram in latencies.values():
        found.merge(histogram)
    return found


def by_kind(latencies: Latencies) -> dict[str, Latency]:
    """Percentiles in ns, of all together and of each kind."""
    empty = Histogram()
    return {"all": Latency.of(total(latencies)), **{kind: Latency.of(latencies.get(kind, empty)) for kind in NAMES}}


def above(counts: Counts, limit_ns: int) -> int:
    """How many took longer than a limit, to the precision of a bucket."""
    probe = Histogram()
    probe.record_many([limit_ns])
    return int(counts[int(np.flatnonzero(probe.array())[0]) + 1 :].sum())
