"""Errors of the replay farm. Each message says what is wrong and what to do."""

from __future__ import annotations

from ..errors import PricetimeError


class FarmError(PricetimeError):
    """Base of the errors of the farm."""


class NoFarm(FarmError, RuntimeError):
    """Ray cannot be started here, or the Ray cluster cannot be reached."""


class NoJournal(FarmError, ValueError):
    """A folder has no journal, in itself or below it."""


class InvalidScript(FarmError, ValueError):
    """A script cannot be loaded, has no function ``run``, or does not take the parameters."""


class InvalidResults(FarmError, ValueError):
    """A file of results has a line that is not a result."""
