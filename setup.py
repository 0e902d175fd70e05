"""Which modules are compiled, and how. All other metadata is in pyproject.toml.

The environment variable PRICETIME_BUILD selects the build:

release   (default) small binaries. Without a C compiler the package is installed uncompiled, as a py3-none-any wheel.
develop   warnings are errors; the binaries keep symbols and Python line numbers; a missing compiler is an error.
pure      nothing is compiled.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command import build_ext
from setuptools.errors import CompileError, LinkError

SOURCE = Path(__file__).parent / "src"

#: Compiled modules that use epoll, sockets or mapped files in a way that only Linux offers. The others work everywhere.
LINUX = re.compile(r"pricetime\.(exchange\..*|native\.(mapping|schedule)|log\.(commit_log|writer)|load\.driver)")


def modules() -> list[str]:
    """The modules to compile: those that import cython."""
    written = (path for path in SOURCE.rglob("*.py") if re.search("^import cython$", path.read_text("utf-8"), re.M))
    names = sorted(".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in written)
    return [name for name in names if sys.platform == "linux" or not LINUX.fullmatch(name)]


#: Cython's own code for memory views. It is compiled once, here, instead of into each module that uses them.
SHARED = "pricetime.native.cython_shared"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
    "freethreading_compatible": True,
}

BUILD = os.environ.get("PRICETIME_BUILD", "release")
if BUILD not in {"release", "develop", "pure"}:
    sys.exit(f"PRICETIME_BUILD={BUILD} is unknown: use release, develop or pure")

# x86-64-v2 has the instructions that the core needs (crc32, popcnt), and every x86-64 processor since 2009 has them.
# Builds for newer levels were not faster.
MARCH = {"linux-x86_64": ["-march=x86-64-v2"]}.get(sysconfig.get_platform(), [])
if sys.platform == "darwin":
    MARCH = ["-Xarch_x86_64", "-march=x86-64-v2"]  # one build may be for both processors

# GCC clears the list of the 16 arguments of ``OrderBook.add_order`` with ``rep stos``, and reading what that has just
# written is slow: with stores instead, a call takes 10 % less time. Other compilers do not know this option.
STORES = "-mmemset-strategy=unrolled_loop:256:noalign,libcall:-1:noalign"
WITH_STORES = "pricetime.core.order_book"

# Only Linux has transparent huge pages; on macOS the same call asks for nothing special.
MACROS = [("MADV_HUGEPAGE", "MADV_NORMAL")] if sys.platform == "darwin" else []
WARNINGS = ["-Wall", "-Werror"] if BUILD == "develop" else []
SYMBOLS = ["-g0"] if BUILD == "release" else []  # writing symbols would take a third of the compiler's time
STRIP = ["-Wl,-s"] if BUILD == "release" and sys.platform == "linux" else []
CORES = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1

UNCOMPILED = """
pricetime: no working C compiler with the Python headers: {reason}
pricetime: installing the uncompiled form: same results, 100 to 400 times slower, no server.
pricetime: for the fast form, install both (Debian: gcc libc6-dev python3-dev; macOS: xcode-select --install), then
pricetime: install pricetime again.
"""


class BuildExtensions(build_ext.build_ext):
    """Translates and compiles the modules on all cores. ``build_ext --parallel N`` limits that to N."""

    def build_extensions(self) -> None:
        from Cython.Build import cythonize

        self.parallel = int(self.parallel or CORES)
        translated = cythonize(
            self.extensions,
            nthreads=self.parallel,
            build_dir=self.build_temp,
            compiler_directives=DIRECTIVES,
            emit_linenums=BUILD == "develop",
            shared_utility_qualified_name=SHARED,
            force=self.force,
            quiet=not self.distribution.verbose,
        )
        for module, made in zip(self.extensions, translated, strict=True):
            module.sources = made.sources
            if module.name == WITH_STORES and accepts(self.compiler.compiler_so, STORES):
                module.extra_compile_args.append(STORES)
        try:
            super().build_extensions()
        except (CompileError, LinkError) as error:
            raise CompileError(f"{error}\nTo install the uncompiled form instead, set PRICETIME_BUILD=pure") from error


def accepts(compiler: list[str], option: str) -> bool:
    """True if a compiler knows an option."""
    command = [*compiler, option, "-fsyntax-only", "-x", "c", "-"]
    return subprocess.run(command, input="", text=True, capture_output=True, check=False).returncode == 0


def extension(module: str) -> Extension:
    return Extension(
        module,
        [f"src/{module.replace('.', '/')}.{'c' if module == SHARED else 'py'}"],
        define_macros=MACROS,
        extra_compile_args=["-O3", *SYMBOLS, *MARCH, *WARNINGS],
        extra_link_args=STRIP,
    )


def compiles() -> bool:
    """True if this build compiles. A release build tries the compiler first: the wheel's tag depends on the answer."""
    if BUILD != "release" or {"egg_info", "dist_info", "sdist"}.intersection(sys.argv):
        return BUILD != "pure"
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
    command = [*compiler, *MARCH, f"-I{sysconfig.get_path('include')}", "-fsyntax-only", "-x", "c", "-"]
    try:
        subprocess.run(command, input="#include <Python.h>\n", text=True, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[0]
        print(UNCOMPILED.format(reason=reason), file=sys.stderr)
        return False
    return True


if __name__ == "__main__":  # Cython's processes may import this file
    setup(
        ext_modules=[extension(module) for module in [*modules(), SHARED]] if compiles() else [],
        cmdclass={"build_ext": BuildExtensions},
    )
