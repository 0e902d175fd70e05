"""One flow of steps through every book at once: what they answer, report and become must agree."""

import copy
import pickle
from typing import Any

from pricetime import OrderBook
from pricetime.reference import ReferenceBook
from pricetime.reference.records import Report
from tests.books import REASON_OF_ERROR, Step, as_command, play, rejection, reports_of, state


class SideBySide:
    """The reference, a book driven by calls and a book driven by ``apply``, all with the same settings."""

    def __init__(self, **settings: Any) -> None:
        self.settings = settings
        self.reference = ReferenceBook(**settings)
        self.called = OrderBook(**settings)
        self.applied = OrderBook(**settings)

    def step(self, step: Step) -> list[Report]:
        """Play a step on all, compare what they give and report; what they reported."""
        seen = len(self.reference.reports)
        outcome = play(self.reference, step)
        assert play(self.called, step) == outcome, f"a call gives something else than the reference: {step}"
        expected = [rejection(step, outcome)] if outcome in REASON_OF_ERROR else self.reference.reports[seen:]
        assert reports_of(self.applied.apply(as_command(step))) == expected, f"the reports differ: {step}"
        return expected

    def ask(self, question: Step) -> None:
        """A step that changes nothing: all answer the same."""
        answer = play(self.reference, question)
        assert play(self.called, question) == answer
        assert play(self.applied, question) == answer

    def compare(self) -> None:
        """The whole state of each, and the invariants of its structure."""
        expected = state(self.reference)
        assert state(self.called) == expected
        assert state(self.applied) == expected

    def renew(self) -> None:
        """Go on with a pickle of one book and a copy of the other."""
        self.called = pickle.loads(pickle.dumps(self.called))
        self.applied = copy.copy(self.applied)
        self.compare()
