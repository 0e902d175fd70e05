"""What threads do that carry no orders, so that those that carry orders run first."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable


def other_cpus(order_cpus: Iterable[int]) -> set[int]:
    """The processors of the calling thread without those of the event loop, ``gateway_cpus``."""
    return os.sched_getaffinity(0) - {*order_cpus}


def avoid(order_cpus: Iterable[int]) -> None:
    """Move the calling thread off the processors of the event loop, if there are others."""
    if others := other_cpus(order_cpus):
        os.sched_setaffinity(threading.get_native_id(), others)


def lower_priority(niceness: int) -> None:
    """Raise the niceness of the calling thread. A server started with `nice` may have a higher one, which stays."""
    thread = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, thread) < niceness:
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
