"""The multiplier that spreads order ids over their table, drawn in each process.

A client cannot know it, so it cannot choose ids that collide. It decides where an id is stored and nothing else: no
result depends on it.
"""

from __future__ import annotations

import functools
import os

#: This many quotients must be small, so that ids that count up are spread evenly.
QUOTIENTS = 20
LARGEST_QUOTIENT = 6


@functools.cache
def id_multiplier() -> int:
    """An odd u64 whose multiples modulo 2**64 are spread evenly, so that blocks of consecutive ids rarely share a line.

    The continued fraction of the multiplier shows how even they are: the smaller its quotients, the better; those of
    the golden ratio are all 1. About one draw in a hundred is good enough.
    """
    while True:
        number = int.from_bytes(os.urandom(8)) | 1
        if all(quotient <= LARGEST_QUOTIENT for quotient in continued_fraction(number, 1 << 64)[1 : QUOTIENTS + 1]):
            return number


def continued_fraction(numerator: int, denominator: int) -> list[int]:
    """The quotients of the continued fraction of numerator / denominator."""
    quotients = []
    while denominator:
        quotients.append(numerator // denominator)
        numerator, denominator = denominator, numerator % denominator
    return quotients
