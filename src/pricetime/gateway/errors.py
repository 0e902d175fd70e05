"""What keeps a server from starting."""

from __future__ import annotations

from ..errors import PricetimeError


class CannotStart(PricetimeError):
    """The server cannot start as it is asked to. One line that says what to do; ``pricetime serve`` exits with 2."""
