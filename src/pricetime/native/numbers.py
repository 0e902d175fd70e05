# cython: language_level=3
"""Python ints as machine integers; OverflowError for one that does not fit."""

from __future__ import annotations

import cython


def as_u64(value):
    if not cython.compiled and not 0 <= value < 1 << 64:
        raise OverflowError
    return value


def as_i64(value):
    if not cython.compiled and not -1 << 63 <= value < 1 << 63:
        raise OverflowError
    return value
