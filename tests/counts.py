"""How much a slow test does: a sample in ``make test``, more in ``make test-slow``."""

import os

#: ``make test-slow`` sets this, and runs the tests marked ``slow``.
SLOW = bool(os.environ.get("SLOW"))

#: ``make test-failures`` sets this: it takes hours.
ALL = os.environ.get("SLOW") == "all"


def count(sample: int, whole: int, most: int = 0) -> int:
    """Return ``sample`` in ``make test``, ``whole`` in ``make test-slow``, ``most`` in ``make test-failures``.

    Tests that use it are marked ``slow``. ``most``: by default as many as in ``make test-slow``.
    """
    if ALL and most:
        return most
    return whole if SLOW else sample
