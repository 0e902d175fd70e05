"""The error of a frame that cannot be converted."""

from __future__ import annotations

from ..errors import PricetimeError


class InvalidFrame(PricetimeError, ValueError):
    """A frame lacks a column, or has a value that no command can hold. The message names the column and the row."""
