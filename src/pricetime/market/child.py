"""Runs ``pricetime`` so that it ends with the process that started it, even if that one is killed.

The parent keeps the write end of this process's standard input open. When the parent ends, for whatever reason, the
system closes that end, and this process stops as it does on SIGTERM.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading


def end_with_parent() -> None:
    """Wait until standard input is closed, then stop this process."""
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, name="end with parent", daemon=True).start()
    runpy.run_module("pricetime", run_name="__main__", alter_sys=True)
