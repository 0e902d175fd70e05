"""The tests of the live page need the compiled form and the packages of the page."""

from importlib.util import find_spec

import pricetime

collect_ignore_glob = []
if not pricetime.COMPILED or any(find_spec(name) is None for name in ("pydantic_settings", "starlette", "uvicorn")):
    collect_ignore_glob = ["test_*.py"]
