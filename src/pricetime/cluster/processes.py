"""Processes of a cluster on this machine: each ends with the process that started it."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

#: Longest end of a process after SIGTERM, in seconds.
STOP_S = 5.0

#: Becomes the program in its arguments, which on Linux ends with its parent: 1 is PR_SET_PDEATHSIG.
_RUN = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def spawn(command: Sequence[str], output: Path | None) -> subprocess.Popen[bytes]:
    """Start a program, whose output is appended to a file; None: it has the output of this process.

    Ctrl-C in a terminal does not reach it. It is killed when the thread that called this ends.
    """
    arguments = [sys.executable, "-I", "-S", "-c", _RUN, *command]
    with contextlib.ExitStack() as opened:
        out = None if output is None else opened.enter_context(output.open("ab"))
        return subprocess.Popen(  # noqa: S603 - our own programs
            arguments, stdout=out, stderr=out, stdin=subprocess.DEVNULL, process_group=0
        )


def end(processes: Iterable[subprocess.Popen[bytes]], timeout_s: float = STOP_S) -> None:
    """End processes with SIGTERM, also suspended ones, and wait until they are gone. Those that stay are killed."""
    running = list(processes)
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)
    for process in running:
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
