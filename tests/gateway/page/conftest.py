"""The live page is of the compiled form alone, and needs its packages."""

from __future__ import annotations

from importlib.util import find_spec

import pricetime

collect_ignore_glob = []
if not pricetime.COMPILED or any(find_spec(name) is None for name in ("pydantic_settings", "starlette", "uvicorn")):
    collect_ignore_glob = ["test_*.py"]
