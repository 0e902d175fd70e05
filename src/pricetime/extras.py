"""Optional packages, imported where they are used, with an error that says how to install a missing one."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import PricetimeError

#: The purpose of each extra. Their packages are in ``pyproject.toml``.
PURPOSES = {
    "tape": "replay of Databento files",
    "columnar": "CSV and Parquet: replay, generate, journal export",
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
    """An optional package is not installed. The message names the extra that installs it."""


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module of an extra. Raises MissingExtra with the purpose and the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{purpose} needs the package {module}: pip install 'pricetime[{extra}]'"
        raise MissingExtra(message) from error
