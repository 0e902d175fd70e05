"""What goes wrong on a wire."""

from __future__ import annotations

from ..errors import PricetimeError


class MessageError(PricetimeError, ValueError):
    """A message that cannot be: a field out of its range, bytes of another length or type than the message has."""


class IllegalMessage(PricetimeError, RuntimeError):
    """This end may not send this message now. The session is as it was before the call."""
