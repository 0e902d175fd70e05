"""Describes the machine: a measurement has no meaning without it."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sysconfig
from pathlib import Path

import numpy as np

#: The folder of the source, which is in a git work tree if this is a checkout.
SOURCE = Path(__file__).parent


def describe() -> dict[str, str]:
    """Processor, system, versions and revision, in words."""
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "huge pages": huge_pages(),
        "python": f"{platform.python_implementation()} {platform.python_version()}, NumPy {np.__version__}",
        "compiler": first_line([*shlex.split(sysconfig.get_config_var("CC") or "cc"), "--version"]),
        "revision": revision(),
    }


def processor() -> str:
    cpu_info = Path("/proc/cpuinfo")
    if cpu_info.exists():
        names = [line.partition(": ")[2] for line in cpu_info.read_text().splitlines() if line.startswith("model name")]
        if names:
            return names[0]
    return first_line(["sysctl", "-n", "machdep.cpu.brand_string"]) or platform.processor() or platform.machine()


def huge_pages() -> str:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return setting.read_text().partition("[")[2].partition("]")[0] if setting.exists() else "unknown"


def revision() -> str:
    """The commit of this checkout, marked "-dirty" if its files differ from the commit."""
    commit = first_line(["git", "-C", str(SOURCE), "describe", "--always", "--dirty", "--abbrev=12"])
    return commit or "not a git work tree"


def first_line(command: list[str]) -> str:
    """The first line that a program prints; empty if the program is missing or fails."""
    try:
        out = subprocess.run(  # noqa: S603 - programs of the system, with arguments of our own
            command, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return out.partition("\n")[0].strip()
