"""Single machine instructions, for the uncompiled form; the compiled form has ``bits.pxd``."""

from __future__ import annotations

from typing import Any

RELAXED = 0


def leading_zeros(value: int) -> int:
    return 64 - value.bit_length()


def prefetch(_: Any) -> None:
    """Does nothing."""


def load_u64(cell: int, _: int) -> int:
    """A number that one thread uses: its address is itself."""
    return cell
