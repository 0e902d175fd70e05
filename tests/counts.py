"""How much a long test does: a sample in ``make test``, all of it in ``make test-slow``."""

from __future__ import annotations

import os

#: ``make test-slow`` sets it, and runs the tests that are marked ``slow``.
SLOW = bool(os.environ.get("SLOW"))


def count(sample: int, whole: int) -> int:
    """``sample`` in ``make test``, ``whole`` in ``make test-slow``. A test that uses it is marked ``slow``."""
    return whole if SLOW else sample
