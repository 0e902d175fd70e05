"""Errors of clients and subscribers."""

from __future__ import annotations

from ..errors import PricetimeError


class InvalidAnswer(PricetimeError, ValueError):
    """The recovery server sent an invalid answer."""


class BookNotWhole(PricetimeError, RuntimeError):
    """There are no books yet, because the subscriber waits for a snapshot."""


class _HasReason(PricetimeError):
    def __init__(self, message: str, reason: int = 0) -> None:
        super().__init__(message)
        self.reason = reason  #: a ``SessionReason``, 0 if the exchange gave none


class LoginRefused(_HasReason, PermissionError):
    """The exchange rejected the login. ``reason`` is a ``SessionReason``."""


class SessionEnded(_HasReason, ConnectionError):
    """The session ended for good: a new login would fail or is not wanted. ``reason`` is a ``SessionReason``."""


class ConnectionLost(PricetimeError, ConnectionError):
    """There is no connection to the exchange now, or all attempts to reconnect failed."""


class CommandLost(PricetimeError, ConnectionError):
    """The command was lost with its connection: the exchange did not receive it and will not."""


class NotAcknowledged(PricetimeError, TimeoutError):
    """There was no answer within the timeout. It may still come."""


class OrderRefused(PricetimeError, ValueError):
    """The exchange rejected a command for a reason that has no error class of its own."""


class ReportsUntaken(PricetimeError, OverflowError):
    """Too many reports waited to be taken, so the client ended the session. Read more often, or raise the limit."""
