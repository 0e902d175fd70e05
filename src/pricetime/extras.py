"""Optional packages: imported where they are needed, with an error that says how to install what is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import PricetimeError


class MissingExtra(PricetimeError, ImportError):
    """A package that this needs is not installed. The message names the extra that brings it."""


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module of an extra. Raises MissingExtra naming the purpose and the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{purpose} needs the package {module}: pip install 'pricetime[{extra}]'"
        raise MissingExtra(message) from error
