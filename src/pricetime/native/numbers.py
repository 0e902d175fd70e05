"""Python ints as machine integers, for the uncompiled form; the compiled one has ``numbers.pxd``."""

from __future__ import annotations

LEAST = -(1 << 63)


def as_i64(value: int) -> int:
    """The value, or ``LEAST`` if it does not fit: no exception, so that a caller need not catch one."""
    return value if LEAST <= value < 1 << 63 else LEAST


def as_u64(value: int) -> int:
    """The value. Raises OverflowError if it does not fit."""
    if not 0 <= value < 1 << 64:
        raise OverflowError
    return value
