"""The library that the harness loads, built on demand and never installed."""

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

#: Its name is that of the engine in what the harness prints.
LIBRARY = "pricetime_adapter.so"


def library() -> Path:
    """The library, compiled first (20 s) where its sources or this Python have changed. Raises NotCompiled."""
    if not pricetime.COMPILED:
        raise NotCompiled(
            "pricetime runs uncompiled here, and this is of the compiled form: unset PRICETIME_PURE, or make build"
        )
    python = library_of_python()
    BUILT.mkdir(exist_ok=True)
    folder = BUILT / fingerprint(python)
    with Path(BUILT, "lock").open("w") as lock:  # another process may be at it
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            build(folder, python)
    return folder / LIBRARY


def library_of_python() -> Path:
    """This Python as a shared library, which the harness will load. Raises NotCompiled when there is none."""
    folder, name = sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("INSTSONAME")
    found = Path(folder or "", name or "")
    if not sysconfig.get_config_var("Py_ENABLE_SHARED") or not found.is_file():
        raise NotCompiled(
            "this Python is no shared library, and the adapter starts one inside the harness: install its library "
            "(Debian: apt install libpython3-dev), or a Python built with --enable-shared"
        )
    return found


def fingerprint(python: Path) -> str:
    """A digest of all that the library is made of."""
    digest = hashlib.sha256(f"{python} {sys.executable} {FLAGS}".encode())
    for source in sources():
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> Iterator[Path]:
    yield from sorted(path for path in HERE.iterdir() if path.suffix in {".py", ".pxd"})
    yield from sorted(Path(pricetime.__file__).parent.rglob("*.pxd"))


def build(folder: Path, python: Path) -> None:
    """Compile into ``folder``, which appears when all is done; what was built of other sources is removed."""
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
            # A process that lets go of the library still has the Python that was started in it.
            extra_link_args=[f"-Wl,-rpath,{python.parent}", "-Wl,-z,nodelete"],
        )
        ready.mkdir()
        (compiled,) = made.rglob("*.so")
        compiled.rename(ready / LIBRARY)
        ready.rename(folder)


def quoted(text: str) -> str:
    """As a string of C."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
