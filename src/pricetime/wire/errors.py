"""Errors of messages."""

from __future__ import annotations

from ..errors import PricetimeError


class MessageError(PricetimeError, ValueError):
    """An invalid message: a field out of range, or bytes with the wrong length or type."""


class IllegalMessage(PricetimeError, RuntimeError):
    """This end is not allowed to send this message now. The call has changed nothing."""
