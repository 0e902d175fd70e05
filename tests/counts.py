"""How much a slow test does: a sample in ``make test``, everything in ``make test-slow``."""

import os

#: ``make test-slow`` sets this, and runs the tests marked ``slow``.
SLOW = bool(os.environ.get("SLOW"))


def count(sample: int, whole: int) -> int:
    """Return ``sample`` in ``make test`` and ``whole`` in ``make test-slow``. Tests that use it are marked ``slow``."""
    return whole if SLOW else sample
