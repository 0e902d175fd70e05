"""Run Python code in a process that counts every allocation, of heap and system, by thread."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]

#: A process that takes longer is considered hung.
PATIENCE_S = 240

#: Defines for the code: allocations of the process so far, and of a thread by its native id.
COUNTER = """
import ctypes, json, sys
allocations, allocations_of = ctypes.CDLL(None).allocations, ctypes.CDLL(None).allocations_of
allocations.restype = allocations_of.restype = ctypes.c_ulonglong
"""


def counted(code: str, folder: Path, *arguments: str) -> Any:
    """Run ``code`` with the counter and ``sys.argv[1:]``, and return the JSON that it prints last.

    ``folder``: where the counter is built. Skips if it cannot be built or preloaded.
    """
    if sys.platform != "linux":
        pytest.skip("the counter is preloaded, which needs Linux")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the counter")
    counter = folder / "count.so"
    source = ROOT / "tests" / "core" / "count_allocations.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(counter), str(source), "-ldl"]
    subprocess.run(command, check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(counter),
        "PYTHONMALLOC": "malloc",  # every object of Python is counted too
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    run = subprocess.run(
        [sys.executable, "-c", COUNTER + code, *arguments],
        env=environment, capture_output=True, text=True, check=False, cwd=ROOT, timeout=PATIENCE_S,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])
