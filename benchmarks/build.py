"""Build the compiled parts of the benchmarks on demand. They are never installed.

They go into a folder of ``.build`` named after a digest of their sources, so that they are never out of date, also when
a different revision or installation of pricetime runs.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import benchmarks
import pricetime
from pricetime import types

HERE = Path(__file__).parent
BUILT = HERE / ".build"
MODULES = ["echo_loops", "engine_loops", "ring_loops"]

# The flags of the core in setup.py: a loop must not be faster or slower because of its flags.
MARCH = {"linux-x86_64": ["-march=x86-64-v2"]}.get(sysconfig.get_platform(), [])
if sys.platform == "darwin":
    MARCH = ["-Xarch_x86_64", "-march=x86-64-v2"]
FLAGS = ["-O3", "-g0", *MARCH, "-Wall", "-Werror"]


class NotCompiled(RuntimeError):
    """The benchmarks measure compiled code, and cannot compile it here."""


@cache
def ready() -> None:
    """Make the compiled modules importable; compile them first (20 s) if needed. Raises NotCompiled."""
    folder = built("loops", sources(MODULES), lambda folder, scratch: compile_modules(MODULES, folder, scratch))
    benchmarks.__path__.insert(0, str(folder / "benchmarks"))
    importlib.invalidate_caches()


@cache
def minimal_library() -> ctypes.CDLL:
    """Return the library of ``minimal_book.cpp``. Raises NotCompiled."""
    folder = built("minimal_book", [HERE / "minimal_book.cpp", Path(types.__file__)], compile_minimal_book)
    library = ctypes.CDLL(str(folder / "minimal_book.so"))
    library.book_open.restype = ctypes.c_void_p
    library.book_run.restype = ctypes.c_uint64
    return library


def built(name: str, used: Iterable[Path], make: Callable[[Path, Path], None], what: str = "") -> Path:
    """Return the folder that ``make(folder, scratch)`` fills; it runs if a source or the given text changed.

    Earlier builds of this name are removed. Raises NotCompiled.
    """
    if not pricetime.COMPILED:
        raise NotCompiled(
            "pricetime runs uncompiled here, and the benchmarks measure compiled code: unset PRICETIME_PURE, or "
            "install a C compiler and the Python headers and reinstall pricetime"
        )
    digest = hashlib.sha256(f"{sysconfig.get_config_var('EXT_SUFFIX')} {FLAGS} {what}".encode())
    for source in used:
        digest.update(source.name.encode() + source.read_bytes())
    BUILT.mkdir(exist_ok=True)
    folder = BUILT / f"{name}-{digest.hexdigest()[:16]}"
    with Path(BUILT, "lock").open("w") as lock:  # a second process may be building
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            for other in BUILT.glob(f"{name}-*"):
                shutil.rmtree(other)
            with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
                made = Path(scratch, "made")
                made.mkdir()
                make(made, Path(scratch))
                made.rename(folder)
    return folder


def sources(modules: list[str]) -> list[Path]:
    own = [HERE / f"{module}{suffix}" for module in modules for suffix in (".py", ".pxd")]
    return [*own, *sorted(Path(pricetime.__file__).parent.rglob("*.pxd"))]


def compile_modules(modules: list[str], target: Path, scratch: Path, **settings: Any) -> None:
    """Compile modules of this package into a folder. ``settings``: of each ``Extension``. Raises NotCompiled."""
    try:
        from Cython.Build import cythonize
        from setuptools import Distribution, Extension
        from setuptools.errors import CompileError, LinkError
    except ImportError as missing:
        raise NotCompiled(f"{missing.name} is needed to compile the benchmarks: run make build") from None

    extensions = cythonize(
        [
            Extension(
                f"benchmarks.{module.replace('/', '.')}", [f"{HERE / module}.py"], extra_compile_args=FLAGS, **settings
            )
            for module in modules
        ],
        include_path=[str(HERE.parent), str(Path(pricetime.__file__).parents[1])],
        build_dir=str(scratch),
        compiler_directives={"language_level": 3, "freethreading_compatible": True},
        quiet=True,
    )
    command = Distribution({"name": "benchmarks", "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp, command.parallel = str(target), str(scratch), 2
    command.ensure_finalized()
    try:
        command.run()
    except (CompileError, LinkError) as error:
        raise NotCompiled(f"the C compiler failed on the benchmarks: {error}") from error


def compile_minimal_book(target: Path, scratch: Path) -> None:
    header = scratch / "types.h"
    header.write_text(header_of_types(), encoding="ascii")
    compiler = shlex.split(os.environ.get("CXX") or sysconfig.get_config_var("CXX") or "c++")
    command = [
        *compiler,
        "-std=c++17",
        *FLAGS,
        "-shared",
        "-fPIC",
        "-include",
        str(header),
        str(HERE / "minimal_book.cpp"),
    ]
    try:
        subprocess.run([*command, "-o", str(target / "minimal_book.so")], capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise NotCompiled(f"{compiler[0]} compiles the C++ book: install it (Debian: apt install g++)") from None
    except subprocess.CalledProcessError as error:
        raise NotCompiled(f"the C++ compiler failed on minimal_book.cpp: {error.stderr}") from error


def header_of_types() -> str:
    """Return the records and numbers of ``pricetime.types`` that ``minimal_book.cpp`` uses, in C."""
    lines = ["#include <cstdint>"]
    for name, record in (("Command", types.COMMAND), ("Report", types.REPORT)):
        fields = ((field, record[field]) for field in record.names or ())
        text = " ".join(f"std::{'' if kind.kind == 'i' else 'u'}int{8 * kind.itemsize}_t {f};" for f, kind in fields)
        lines.append(f"struct __attribute__((packed)) {name} {{ {text} }};")
    enums = (types.Side, types.TimeInForce, types.CommandType, types.ReportKind, types.Reason)
    lines += [f"enum {{ {', '.join(f'{each.name} = {each.value}' for each in numbers)} }};" for numbers in enums]
    lines.append(f"enum {{ EXECUTION_REPORT = {types.EXECUTION_REPORT} }};")
    return "\n".join(lines) + "\n"
