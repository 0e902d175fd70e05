"""All of an exchange needs the server's packages, and what runs for every order is of the compiled form alone."""

from importlib.util import find_spec

import pricetime

#: Tests that import compiled modules.
COMPILED = ["test_*.py", "io/test_*.py", "standby/test_*.py", "state/test_*.py"]
CONTROL = (
    "admin_server", "clock", "commands", "control", "feed_listener", "metrics", "metrics_server", "operator",
    "retransmission",
)  # fmt: skip
COMPILED += [f"control/test_{name}.py" for name in CONTROL]

collect_ignore_glob = [] if pricetime.COMPILED else COMPILED
if any(find_spec(name) is None for name in ("pydantic_settings", "structlog")):
    collect_ignore_glob = ["*"]
