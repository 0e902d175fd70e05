"""Extras: optional packages, imported where they are used. The error names the command that installs one."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from types import ModuleType

from .errors import PricetimeError

#: What each extra is for. ``pyproject.toml`` lists the packages of each.
PURPOSES = {
    "tape": "replay of Databento files",
    "columnar": "CSV and Parquet: replay, generate, journal export",
    "frames": "frames of pandas, polars and Arrow: pricetime.frames, pricetime.tape.read",
    "plot": "pictures of benchmarks and depth",
    "report": "pricetime report",
    "server": "pricetime serve",
    "measure": ".hlog files: load --out, latency, serve --latency-log",
    "metrics": "serve --metrics-port, for Prometheus",
    "web": "pricetime market; serve --http-port, the live page",
    "cluster": "pricetime cluster: replication over NATS JetStream",
    "farm": "pricetime farm: replay on many machines",
    "all": "all of the above",
    "test": "the tests",
    "docs": "the documents as a site",
    "dev": "work on pricetime itself",
}


class MissingExtra(PricetimeError, ImportError):
    """A package of an extra is not installed. The message names the extra and the command that installs it."""


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module that ``extra`` provides.

    Raises MissingExtra, which names the purpose and the command that installs the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{purpose} needs the package {module} (extra pricetime[{extra}]): {install_command(extra)}"
        raise MissingExtra(message) from error


def install_command(extra: str) -> str:
    """Return the command that installs the packages of an extra.

    It names the packages themselves, so that it works however pricetime was installed: from a checkout, a wheel or a
    package index.
    """
    from importlib.metadata import PackageNotFoundError

    try:
        return "pip install " + " ".join(f"'{package}'" for package in dict.fromkeys(requirements(extra)))
    except PackageNotFoundError:  # the sources run without being installed
        return f"pip install '.[{extra}]' in the checkout"


def requirements(extra: str) -> Iterator[str]:
    """The requirements of an extra, such as ``polars>=1.30``, including those of the extras that it includes."""
    from importlib.metadata import requires  # 20 ms, and only the error needs it

    for requirement in requires("pricetime") or []:
        package, _, marker = requirement.partition(";")
        if not re.search(rf"extra == ['\"]{extra}['\"]", marker):
            continue
        included = re.fullmatch(r"pricetime\[([\w,-]+)\]", package.strip())
        if included is None:
            yield package.strip()
        else:
            for other in included[1].split(","):
                yield from requirements(other)
