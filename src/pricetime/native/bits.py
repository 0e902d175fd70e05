"""What the machine does in one instruction, for the uncompiled form; the compiled one has ``bits.pxd``."""

from __future__ import annotations

from typing import Any

RELAXED = 0


def leading_zeros(value: int) -> int:
    return 64 - value.bit_length()


def prefetch(_: Any) -> None:
    """Nothing to fetch ahead of."""


def load_u64(cell: int, _: int) -> int:
    """A number of one thread: its address is itself."""
    return cell
