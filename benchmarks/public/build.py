"""Build the library that the harness loads, on demand. It is never installed."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pricetime

from ..build import FLAGS, NotCompiled, compile_modules

HERE = Path(__file__).parent
BUILT = HERE / ".build"
MODULE = "public/pricetime_adapter"

#: The harness names the engine after this file.
LIBRARY = "pricetime_adapter.so"


def library() -> Path:
    """Return the library; compile it first (20 s) if its sources or this Python changed. Raises NotCompiled."""
    if not pricetime.COMPILED:
        raise NotCompiled(
            "pricetime runs uncompiled here, the adapter needs the compiled form: unset PRICETIME_PURE, or make build"
        )
    python = library_of_python()
    BUILT.mkdir(exist_ok=True)
    folder = BUILT / fingerprint(python)
    with Path(BUILT, "lock").open("w") as lock:  # a second process may be building
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            build(folder, python)
    return folder / LIBRARY


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


def fingerprint(python: Path) -> str:
    """Return a digest of the sources of the library."""
    digest = hashlib.sha256(f"{python} {sys.executable} {FLAGS}".encode())
    for source in sources():
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> Iterator[Path]:
    yield from sorted(path for path in HERE.iterdir() if path.suffix in {".py", ".pxd"})
    yield from sorted(Path(pricetime.__file__).parent.rglob("*.pxd"))


def build(folder: Path, python: Path) -> None:
    """Compile into ``folder``, which appears when complete. Builds of other sources are removed."""
    for other in BUILT.iterdir():
        if other.is_dir():
            shutil.rmtree(other)
    with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
        made, ready = Path(scratch, "made"), Path(scratch, "ready")
        compile_modules(
            [MODULE],
            made,
            Path(scratch),
            define_macros=[
                ("PRICETIME_PYTHON", quoted(sys.executable)),
                ("PRICETIME_LIBPYTHON", quoted(str(python))),
            ],
            extra_objects=[str(python)],
            # A process that unloads the library keeps the Python that was started in it.
            extra_link_args=[f"-Wl,-rpath,{python.parent}", "-Wl,-z,nodelete"],
        )
        ready.mkdir()
        (compiled,) = made.rglob("*.so")
        compiled.rename(ready / LIBRARY)
        ready.rename(folder)


def quoted(text: str) -> str:
    """Return text as a C string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
