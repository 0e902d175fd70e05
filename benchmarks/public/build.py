"""Build the library that the harness loads, on demand. It is never installed."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

import pricetime

from ..build import NotCompiled, built, compile_modules

HERE = Path(__file__).parent

#: The harness names the engine after this file.
LIBRARY = "pricetime_adapter.so"


def library() -> Path:
    """Return the library; compile it first (20 s) if its sources or this Python changed. Raises NotCompiled."""

    def make(folder: Path, scratch: Path) -> None:
        compile_modules(
            ["public/pricetime_adapter"],
            scratch / "modules",
            scratch,
            define_macros=[
                ("PRICETIME_PYTHON", quoted(sys.executable)),
                ("PRICETIME_LIBPYTHON", quoted(str(python))),
            ],
            extra_objects=[str(python)],
            # A process that unloads the library keeps the Python that was started in it.
            extra_link_args=[f"-Wl,-rpath,{python.parent}", "-Wl,-z,nodelete"],
        )
        (compiled,) = (scratch / "modules").rglob("*.so")
        compiled.rename(folder / LIBRARY)

    if not pricetime.COMPILED:
        raise NotCompiled(
            "pricetime runs uncompiled here, the adapter needs the compiled form: unset PRICETIME_PURE, or make build"
        )
    python = library_of_python()
    used = sorted(path for path in HERE.iterdir() if path.suffix in {".py", ".pxd"})
    used += sorted(Path(pricetime.__file__).parent.rglob("*.pxd"))
    return built("adapter", used, make, f"{python} {sys.executable}") / LIBRARY


def library_of_python() -> Path:
    """Return the shared library of this Python, which the harness loads. Raises NotCompiled if there is none."""
    folder, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    found = Path(folder or "", name or "")
    if not sysconfig.get_config_var("Py_ENABLE_SHARED") or not found.is_file():
        raise NotCompiled(
            "this Python has no shared library, and the adapter starts one inside the harness: install its library "
            "(Debian: apt install libpython3-dev), or a Python built with --enable-shared"
        )
    return found


def quoted(text: str) -> str:
    """Return text as a C string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
