"""Build the compiled parts of the benchmarks on demand. They are never installed.

They go into a folder of ``.build`` named after a digest of their sources, so that they are never out of date, also when
a different revision or installation of pricetime runs.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import benchmarks
import benchmarks.alternatives
import pricetime

HERE = Path(__file__).parent
BUILT = HERE / ".build"
MODULES = [
    "alternatives/arena",
    "alternatives/hashed_levels",
    "alternatives/mutex_ring",
    "alternatives/sorted_levels",
    "echo_loops",
    "inside",
    "journal_loops",
    "pipeline_loops",
    "ring_loops",
]

# The flags of the core in setup.py: a step must not be faster or slower because of its flags.
MARCH = {"linux-x86_64": ["-march=x86-64-v2"]}.get(sysconfig.get_platform(), [])
if sys.platform == "darwin":
    MARCH = ["-Xarch_x86_64", "-march=x86-64-v2"]
FLAGS = ["-O3", "-g0", *MARCH, "-Wall", "-Werror"]


class NotCompiled(RuntimeError):
    """The benchmarks measure compiled code, and cannot compile it here."""


@cache
def ready() -> None:
    """Make ``benchmarks.alternatives`` and ``benchmarks.inside`` importable; compile them first (20 s) if needed.

    Raises NotCompiled.
    """
    if not pricetime.COMPILED:
        raise NotCompiled(
            "pricetime runs uncompiled here, and the benchmarks measure compiled code: unset PRICETIME_PURE, or "
            "install a C compiler and the Python headers and reinstall pricetime"
        )
    BUILT.mkdir(exist_ok=True)
    folder = BUILT / fingerprint()
    with Path(BUILT, "lock").open("w") as lock:  # a second process may be building
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            build(folder)
    for package in (benchmarks, benchmarks.alternatives):
        package.__path__.insert(0, str(folder / package.__name__.replace(".", "/")))
    importlib.invalidate_caches()


def fingerprint() -> str:
    """Return a digest of the sources of the compiled modules."""
    digest = hashlib.sha256(f"{sysconfig.get_config_var('EXT_SUFFIX')} {FLAGS}".encode())
    for source in sources():
        digest.update(source.name.encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def sources() -> Iterator[Path]:
    for module in MODULES:
        yield from (HERE / f"{module}.py", HERE / f"{module}.pxd")
    yield from sorted(Path(pricetime.__file__).parent.rglob("*.pxd"))


def build(folder: Path) -> None:
    """Compile into ``folder``, which appears when complete. Builds of other sources are removed."""
    for other in BUILT.iterdir():
        if other.is_dir():
            shutil.rmtree(other)
    with tempfile.TemporaryDirectory(dir=BUILT) as scratch:
        made = Path(scratch, "made")
        compile_modules(MODULES, made, Path(scratch))
        made.rename(folder)


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
