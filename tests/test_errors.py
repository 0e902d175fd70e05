"""Every reason to reject a command has its exception, and all exceptions have one base."""

import inspect

import pytest

from pricetime import errors
from pricetime.types import Reason

#: Reasons of reports that reject nothing.
OTHER_REASONS = range(32, 64)


def test_every_reason_to_refuse_has_an_exception() -> None:
    refusals = {reason for reason in Reason if reason and reason not in OTHER_REASONS}
    of_no_call = {Reason.UNKNOWN_COMMAND, Reason.THROTTLED, Reason.MALFORMED}
    assert refusals - set(errors.ERROR_OF_REASON) == of_no_call
    assert set(errors.ERROR_OF_REASON) <= refusals


@pytest.mark.parametrize("name", [name for name, _ in inspect.getmembers(errors, inspect.isclass)])
def test_one_base(name: str) -> None:
    kind = getattr(errors, name)
    if kind.__module__ == errors.__name__ and not issubclass(kind, Warning):
        assert issubclass(kind, errors.PricetimeError)
        assert kind.__doc__


@pytest.mark.parametrize("kind", [errors.UnknownOrder, errors.UnknownInstrument])
def test_messages_are_shown_as_they_are(kind: type[errors.PricetimeError]) -> None:
    assert str(kind("no order 7 is resting")) == "no order 7 is resting"
