"""A market needs the compiled server and the packages of its page; the traders alone need neither."""

from importlib.util import find_spec

import pricetime

collect_ignore_glob = []
if not pricetime.COMPILED or any(find_spec(name) is None for name in ("pydantic_settings", "structlog", "uvicorn")):
    collect_ignore_glob = ["test_session.py", "test_exchange.py"]
