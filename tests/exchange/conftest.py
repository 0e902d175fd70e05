"""The gateway's hot path is of the compiled form alone, and its settings need the server's packages."""

from __future__ import annotations

from importlib.util import find_spec

import pricetime

#: Folders and files whose tests run an exchange.
COMPILED = [
    "io",
    "standby",
    "state",
    "control/test_metrics.py",
    *(f"test_{name}.py" for name in ("allocations", "answering", "latency", "mass_cancel", "random", "references")),
    *(f"test_{name}.py" for name in ("server", "threads")),
]

collect_ignore = []
if not pricetime.COMPILED or find_spec("pydantic_settings") is None:
    collect_ignore = COMPILED
