"""Optional packages: imported where they are needed, with an error that says how to install what is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import PricetimeError

#: What each extra is for. Which there are, and their packages, is in ``pyproject.toml``.
PURPOSES = {
    "tape": "replay of Databento files",
    "columnar": "CSV and Parquet: replay, generate, journal export",
    "frames": "frames of pandas, polars and Arrow: pricetime.frames, pricetime.tape.read",
    "plot": "pictures of benchmarks and depth",
    "report": "pricetime report",
    "server": "pricetime serve",
    "measure": ".hlog files: load --out, latency, serve --latency-log",
    "metrics": "serve --metrics-port, for Prometheus",
    "web": "serve --http-port, the live page",
    "all": "all of the above",
    "test": "the tests",
    "docs": "the documents as a site",
    "dev": "work on pricetime itself",
}


class MissingExtra(PricetimeError, ImportError):
    """A package that this needs is not installed. The message names the extra that brings it."""


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module of an extra. Raises MissingExtra naming the purpose and the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{purpose} needs the package {module}: pip install 'pricetime[{extra}]'"
        raise MissingExtra(message) from error
