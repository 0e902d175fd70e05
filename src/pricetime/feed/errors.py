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


class LoginRefused(PricetimeError, PermissionError):
    """The exchange does not take this login. ``reason`` is a ``SessionReason``."""

    def __init__(self, message: str, reason: int = 0) -> None:
        super().__init__(message)
        self.reason = reason  #: a ``SessionReason``, 0 where the exchange gave none


class SessionEnded(PricetimeError, ConnectionError):
    """The session is over, and another login would not help or is not wanted. ``reason`` is a ``SessionReason``."""

    def __init__(self, message: str, reason: int = 0) -> None:
        super().__init__(message)
        self.reason = reason  #: a ``SessionReason``, 0 where the exchange gave none


class ConnectionLost(PricetimeError, ConnectionError):
    """There is no connection to the exchange, and none was to be had as often as was tried."""


class CommandLost(PricetimeError, ConnectionError):
    """The connection was lost on the way of this command: the exchange has not got it, and will not."""


class NotAcknowledged(PricetimeError, TimeoutError):
    """The exchange did not answer in the time allowed; it still may."""


class OrderRefused(PricetimeError, ValueError):
    """The exchange refused a command for a reason that has no error of its own."""


class ReportsUntaken(PricetimeError, OverflowError):
    """So many reports were not taken from a client that it gave up: take them, or allow for more."""
