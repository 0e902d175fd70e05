"""Runs a node for all partitions of a cluster, each in its process."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from .local import node_command
from .processes import spawn
from .settings import ClusterConfig

#: How often to look whether a process has ended, in seconds.
LOOK_S = 0.1


def run_all(cluster: ClusterConfig, file: Path, name: str) -> int:
    """Run until all processes have ended; SIGTERM and SIGINT stop them. Returns the highest exit code.

    A process that ends by itself does not end the others. Raises CannotStart before any starts.
    """
    for partition in cluster.names:
        cluster.exchange_of(name, partition)
    processes = [spawn(node_command(file, name, partition), None) for partition in cluster.names]

    def stop(*_: object) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        while any(process.poll() is None for process in processes):
            time.sleep(LOOK_S)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    codes = [process.returncode for process in processes]
    return max(code if code >= 0 else 128 - code for code in codes)  # as a shell says it of a signal
