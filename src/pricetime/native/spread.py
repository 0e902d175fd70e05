"""The number that spreads order ids over their table, drawn anew in each process.

Whoever sends orders cannot know it, and so cannot choose ids that collide. It decides where an id is
looked up and nothing else: no result depends on it.
"""

from __future__ import annotations

import functools
import os

#: Ids that count up are spread evenly as long as these many quotients are small.
QUOTIENTS = 20
LARGEST_QUOTIENT = 6


@functools.cache
def id_multiplier() -> int:
    """An odd u64 whose multiples, modulo 2**64, lie evenly: so blocks of consecutive ids rarely share a line.

    How evenly the multiples of a fraction lie is told by its continued fraction: the smaller the quotients the
    better, as with the golden ratio, whose are all 1. One draw in about a hundred will do.
    """
    while True:
        number = int.from_bytes(os.urandom(8)) | 1
        if all(quotient <= LARGEST_QUOTIENT for quotient in continued_fraction(number, 1 << 64)[1 : QUOTIENTS + 1]):
            return number


def continued_fraction(numerator: int, denominator: int) -> list[int]:
    """The quotients of numerator / denominator."""
    quotients = []
    while denominator:
        quotients.append(numerator // denominator)
        numerator, denominator = denominator, numerator % denominator
    return quotients
