"""Some benchmarks measure what is of the compiled form alone, and cannot even be imported without it."""

from __future__ import annotations

import pricetime

COMPILED = ["pipeline", "recording"]

collect_ignore = [] if pricetime.COMPILED else [f"test_{name}.py" for name in COMPILED]
