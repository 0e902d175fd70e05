"""Searches in steps for the highest rate at which p99 is within a limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from .load import Load, Pace
from .plan import Plan
from .run import Counts, Result, Run, above, total
from .run_file import Latency, Moment, Step

#: While no step was bad, the rate grows by this factor.
FACTOR = 2.0

#: The search ends when the lowest bad rate is at most this multiple of the highest good one.
CLOSE = 1.05

#: The search ends after this many steps in any case.
MOST_STEPS = 14

#: The share of orders that may be slower than the limit.
SLOW = 0.01


@dataclass
class Search:
    """The state and result of a search. ``last``: the full result of the newest step."""

    limit_p99_ns: int
    steps: list[Step] = field(default_factory=list)
    best: Result | None = None  #: of the step at ``highest_rate``
    last: Result | None = None

    @property
    def highest_rate(self) -> float:
        """The highest rate of a good step; 0 if no step was good."""
        return max((step.rate for step in self.steps if step.good), default=0.0)

    def next_rate(self, begin: float) -> float | None:
        """The rate of the next step; None if the search has ended."""
        if not self.steps:
            return begin
        if len(self.steps) >= MOST_STEPS:
            return None
        good = self.highest_rate
        bad = min((step.rate for step in self.steps if not step.good), default=None)
        if bad is None:
            return good * FACTOR
        if good == 0.0:
            return bad / FACTOR
        return (good * bad) ** 0.5 if bad > good * CLOSE else None


def saturate(
    load: Load,
    plans: Iterator[Plan],
    *,
    begin: float,
    seconds: float,
    limit_p99_ns: int,
    on_step: Callable[[Step], None] = lambda _: None,
    on_sample: Callable[[Moment], None] = lambda _: None,
) -> Search:
    """Search for the highest rate whose p99 is at most the limit. ``plans``: the flow, which continues over all steps.

    Each step sends for ``seconds`` at its rate, and ends early once too many orders were slow. The rate doubles while
    steps are good, and halves while none is good. Then each step halves the gap between the highest good and the lowest
    bad rate (on a log scale) until it is 5 %, or after 14 steps. A failure ends the search and is in ``last``; the end
    of the flow ends it too.
    """
    found = Search(limit_p99_ns)
    flow = plans
    while (rate := found.next_rate(begin)) is not None:
        pace = Pace(rate)
        step_plans, rest = _take(flow, max(1, pace.orders(seconds)))
        orders = sum(plan.count for plan in step_plans)
        if not orders:
            break
        run = Run(load, pace, on_sample=on_sample, hopeless=_is_hopeless(limit_p99_ns, orders))
        flow = chain(run.go(iter(step_plans)), rest, flow)
        found.last = result = run.result
        if result.failure is not None:
            break
        step = judge(result, limit_p99_ns, rate)
        found.steps.append(step)
        if step.good and rate == found.highest_rate:
            found.best = result
        on_step(step)
    return found


def _is_hopeless(limit_p99_ns: int, orders: int) -> Callable[[Counts], bool]:
    """A function that says whether a step of this many orders can no longer be good."""
    return lambda counts: above(counts, limit_p99_ns) > orders * SLOW


def judge(result: Result, limit_p99_ns: int, rate: float) -> Step:
    """The step that a run amounts to."""
    of = Latency.of(total(result.latencies))
    good = result.complete and result.reached and of.p99 <= limit_p99_ns
    return Step(
        rate=rate, sent_per_s=result.sent_per_s, answered_per_s=result.answered_per_s,
        p50=of.p50, p99=of.p99, p99_9=of.p99_9, max=of.max, good=good,
    )  # fmt: skip


def _take(plans: Iterator[Plan], orders: int) -> tuple[list[Plan], list[Plan]]:
    """The next ``orders`` orders, and the rest of the plan that the last of them is in."""
    taken: list[Plan] = []
    for plan in plans:
        taken.append(plan.part(0, orders))
        if plan.count >= orders:
            return taken, [plan.part(orders)]
        orders -= plan.count
    return taken, []
