"""The gateway's hot path is of the compiled form alone, and its settings need the server's packages."""

from __future__ import annotations

from importlib.util import find_spec

import pricetime

COMPILED = [
    "allocations",
    "answering",
    "decoder",
    "faults",
    "latency",
    "loop",
    "mass_cancel",
    "metrics",
    "publisher",
    "random",
    "replica",
    "replica_totals",
    "restart",
    "server",
    "sessions",
    "standby",
    "store",
    "threads",
]

collect_ignore = []
if not pricetime.COMPILED or find_spec("pydantic_settings") is None:
    collect_ignore = [f"test_{name}.py" for name in COMPILED]
