"""The compiled modules, and how they are compiled. Everything else stands in pyproject.toml.

PRICETIME_BUILD in the environment says what is wanted:

release   (default) small binaries; without a compiler the pure form is installed
develop   every warning is an error, symbols and Python line numbers are kept, a failure is a failure
pure      nothing is compiled
"""

from __future__ import annotations

import os
import sys
import sysconfig

from setuptools import Extension, setup

MODULES = [
    "pricetime.native.memory",
    "pricetime.native.latch",
    "pricetime.native.numbers",
    "pricetime.native.arrays",
    "pricetime.native.clock",
    "pricetime.native.crc",
    "pricetime.core.references",
    "pricetime.core.book",
    "pricetime.core.check",
    "pricetime.core.dump",
    "pricetime.core.engine",
    "pricetime.core.order_book",
    "pricetime.core.c_api",
    "pricetime.core.rebuilt",
    "pricetime.core.builder",
    "pricetime.core.passive_book",
    "pricetime.journal.reader",
    "pricetime.ring.idle",
    "pricetime.ring.ring",
    "pricetime.measure.histogram",
    "pricetime.measure.latency",
    "pricetime.feed.receiver",
]

#: What speaks to epoll, to the sockets and to the mapped files of Linux.
LINUX_MODULES = [
    "pricetime.native.mapping",
    "pricetime.native.schedule",
    "pricetime.journal.writer",
    "pricetime.gateway.store",
    "pricetime.gateway.owner_queue",
    "pricetime.gateway.throttle",
    "pricetime.gateway.sessions",
    "pricetime.gateway.decoder",
    "pricetime.gateway.matcher",
    "pricetime.gateway.router",
    "pricetime.gateway.playback",
    "pricetime.gateway.faults",
    "pricetime.gateway.publisher",
    "pricetime.gateway.replica",
    "pricetime.gateway.loop",
    "pricetime.measure.driver",
]

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
    sys.exit(f"PRICETIME_BUILD={BUILD} is unknown: give release, develop or pure")

# x86-64-v2 has what the core needs (crc32, popcnt) and every machine since 2009; newer levels measured no gain.
MARCH = {"linux-x86_64": ["-march=x86-64-v2"]}.get(sysconfig.get_platform(), [])
if sys.platform == "darwin":
    MARCH = ["-Xarch_x86_64", "-march=x86-64-v2"]  # a build may be for both processors at once

# Only Linux has huge pages to ask for; elsewhere the same call asks for nothing special.
MACROS = [("MADV_HUGEPAGE", "MADV_NORMAL")] if sys.platform == "darwin" else []
WARNINGS = ["-Wall", "-Werror"] if BUILD == "develop" else []
STRIP = ["-Wl,-s"] if BUILD == "release" and sys.platform == "linux" else []


def extension(module: str) -> Extension:
    made = Extension(
        module,
        [f"src/{module.replace('.', '/')}.py"],
        define_macros=MACROS,
        extra_compile_args=["-O3", *MARCH, *WARNINGS],
        extra_link_args=STRIP,
        optional=BUILD == "release",
    )
    # Read by Cython's own build_ext, which setuptools uses where Cython is installed.
    vars(made).update(cython_directives=DIRECTIVES, cython_c_in_temp=True, cython_line_directives=BUILD == "develop")
    return made


if sys.platform == "linux":
    MODULES += LINUX_MODULES

setup(ext_modules=[] if BUILD == "pure" else [extension(module) for module in MODULES])
