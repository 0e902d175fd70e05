"""Which form runs: the compiled modules where they were built, else the same sources uncompiled.

``PRICETIME_PURE=1`` asks for the uncompiled form. It gives the same answers to the bit, some hundred times
slower, and needs no compiler: for debugging, for coverage, and where nothing could be built.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import types
import warnings
from importlib.util import find_spec

from .errors import NeedsCompiled, PureForm

PACKAGE = os.path.dirname(__file__)  # noqa: PTH120 - pathlib would take longer to import than all of this


class _UncompiledLoader(importlib.machinery.SourceFileLoader):
    """Runs a module with our ``cython`` in place of the compiler's, which need not be installed."""

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
    """Called by a package that has no uncompiled form, before it imports its modules. Raises NeedsCompiled."""
    if not isinstance(sys.modules["pricetime.core.book"].__loader__, importlib.machinery.ExtensionFileLoader):
        raise NeedsCompiled(
            f"{what} is of the compiled form alone, and pricetime runs uncompiled: unset PRICETIME_PURE, or install a "
            "C compiler and the Python headers (Debian: gcc python3-dev) and then pricetime again"
        )


def choose() -> bool:
    """True when the compiled form runs. Called once, before anything of the core is imported."""
    if not os.environ.get("PRICETIME_PURE", "").strip("0"):
        spec = find_spec("pricetime.core.book")
        if spec is not None and isinstance(spec.loader, importlib.machinery.ExtensionFileLoader):
            return True
        warnings.warn(
            "pricetime runs uncompiled: the same answers, some hundred times slower. For the fast form install a C "
            "compiler and the Python headers (Debian: gcc python3-dev; macOS: xcode-select --install), then reinstall "
            "pricetime. PRICETIME_PURE=1 asks for this form and silences the warning.",
            PureForm,
            stacklevel=3,  # whoever imports pricetime
        )
    _use_sources()
    return False


def _use_sources() -> None:
    """Let the folders of compiled modules give their sources, past any extension module beside them."""
    from .native.uncompiled import make_cython

    _UncompiledLoader.cython = make_cython()
    for folder in ("", "native", "core", "journal", "measure"):
        path = os.path.join(PACKAGE, folder).rstrip("/")  # noqa: PTH118
        finder = importlib.machinery.FileFinder(path, (_UncompiledLoader, importlib.machinery.SOURCE_SUFFIXES))
        sys.path_importer_cache[path] = finder
