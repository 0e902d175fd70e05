"""What writes a journal is of the compiled form alone, and a server needs its packages."""

from importlib.util import find_spec

import pricetime

WRITING = ["failing_calls", "power_loss", "truncated"]
SERVING = ["full_disk", "kill", "kill_all_kinds", "starts"]

collect_ignore = []
if not pricetime.COMPILED:
    collect_ignore += [f"test_{name}.py" for name in (*WRITING, *SERVING)]
elif find_spec("pydantic_settings") is None:
    collect_ignore += [f"test_{name}.py" for name in SERVING]
