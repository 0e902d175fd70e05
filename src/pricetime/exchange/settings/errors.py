"""The error of a server that cannot start."""

from __future__ import annotations

from ...errors import PricetimeError


class CannotStart(PricetimeError):
    """The server cannot start with these settings. The message is one line that says what to do.

    ``pricetime serve`` prints it and exits with code 2.
    """
