"""Some benchmarks need the compiled form, and cannot be imported without it."""

import pricetime

COMPILED = ["journal", "pipeline"]

collect_ignore = [] if pricetime.COMPILED else [f"test_{name}.py" for name in COMPILED]
