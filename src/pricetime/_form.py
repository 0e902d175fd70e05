"""Choose the form that runs: the compiled modules if they were built, otherwise the same sources uncompiled.

``PRICETIME_PURE=1`` selects the uncompiled form. It gives identical results, 100 to 400 times slower, and needs no
compiler. Use it to debug and to measure coverage.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types
import warnings
from importlib.util import find_spec

from .errors import NeedsCompiled, PureForm

#: Shown once if nothing was compiled: at import, or by the commands that run many orders through a book.
ADVICE = (
    "pricetime runs uncompiled: same results, 100 to 400 times slower, no server. Install a C compiler and the Python "
    "headers (Debian: gcc python3-dev; macOS: xcode-select --install), then reinstall pricetime. "
    "PRICETIME_PURE=1 hides this message."
)

PACKAGE = os.path.dirname(__file__)  # noqa: PTH120 - pathlib would take longer to import than all of this


class _UncompiledLoader(importlib.machinery.SourceFileLoader):
    """Runs a module with our ``cython`` module, whether or not the compiler's is installed."""

    cython: types.ModuleType

    def exec_module(self, module: types.ModuleType) -> None:
        installed = sys.modules.get("cython")
        sys.modules["cython"] = self.cython
        try:
            super().exec_module(module)
        finally:
            if installed is None:
                sys.modules.pop("cython", None)
            else:
                sys.modules["cython"] = installed


def need_compiled(what: str) -> None:
    """Raise NeedsCompiled if the uncompiled form runs. Packages that have no uncompiled form call it first."""
    if not isinstance(sys.modules["pricetime.core.book"].__loader__, importlib.machinery.ExtensionFileLoader):
        raise NeedsCompiled(
            f"{what} needs the compiled form, and pricetime runs uncompiled: unset PRICETIME_PURE, or install a C "
            "compiler and the Python headers (Debian: gcc python3-dev) and reinstall pricetime"
        )


def choose() -> bool:
    """Return True if the compiled form runs. Called once, before any module of the core is imported.

    Warns if there is no compiled form and PRICETIME_PURE does not ask for the uncompiled one. The command line does
    not warn here: the commands that run many orders through a book do so (``cli.form``).
    """
    if not wants_pure():
        spec = find_spec("pricetime.core.book")
        if spec is not None and isinstance(spec.loader, importlib.machinery.ExtensionFileLoader):
            return True
        if not _is_command_line():
            warnings.warn(ADVICE, PureForm, stacklevel=3)  # the line that imports pricetime
    _use_sources()
    return False


def wants_pure() -> bool:
    """Return True if PRICETIME_PURE asks for the uncompiled form."""
    return bool(os.environ.get("PRICETIME_PURE", "").strip("0"))


def _is_command_line() -> bool:
    """Return True in the script ``pricetime`` and in ``python -m pricetime``."""
    script = os.path.basename(sys.argv[0]) if sys.argv else ""  # noqa: PTH119
    return script == "pricetime" or sys.orig_argv[1:3] == ["-m", "pricetime"]


def _use_sources() -> None:
    """Import the compiled modules from their sources, ignoring extension modules beside them."""
    from .native.uncompiled import make_cython

    _UncompiledLoader.cython = make_cython()
    for folder in ("", "native", "core", "log", "client", "load"):
        path = os.path.join(PACKAGE, folder).rstrip("/")  # noqa: PTH118
        finder = importlib.machinery.FileFinder(path, (_UncompiledLoader, importlib.machinery.SOURCE_SUFFIXES))
        sys.path_importer_cache[path] = finder
