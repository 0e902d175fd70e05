"""What goes wrong at the other end of an exchange."""

from __future__ import annotations

from ..errors import PricetimeError


class InvalidAnswer(PricetimeError, ValueError):
    """The recovery server answered what nobody understands."""


class FeedUnavailable(PricetimeError, OSError):
    """The feed cannot be joined: the group, the port or the interface is not to be had."""


class BookNotWhole(PricetimeError, RuntimeError):
    """There are no books yet: the subscriber waits for a snapshot."""


class SmallReceiveBuffer(RuntimeWarning):
    """The system lets a socket buffer less than was asked for: a subscriber that is slow for a moment loses reports."""
