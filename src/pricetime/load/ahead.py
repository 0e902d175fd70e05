"""Makes orders before the first one is sent; if they do not fit into memory, makes the rest during the run."""

from __future__ import annotations

import contextlib
import queue
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from .plan import Plan

#: Bytes of one order, the share of free memory that orders may use, and how many orders are always allowed.
ORDER_BYTES, SHARE_OF_MEMORY, LEAST_MADE = 40, 0.5, 1 << 20

#: How long the consumer waits for the next plan, in seconds.
WAIT_S = 0.01


class Ahead:
    """The plans of a flow, made by its own thread. Iteration begins when enough commands are made.

    A context manager: leaving it drops the plans that were not taken.
    """

    def __init__(self, plans: Iterator[Plan], on_made: Callable[[int], None] = lambda _: None) -> None:
        self._plans, self._on_made = plans, on_made
        self._made: queue.Queue[Plan | BaseException | None] = queue.Queue()
        self._most = made_before()
        self._waiting = 0  # commands that are made but not taken
        self._changed = threading.Condition()
        self._ended = self._enough = False
        self._thread = threading.Thread(target=self._make, name="pricetime-load-plans")

    def __enter__(self) -> Ahead:
        self._thread.start()
        try:
            with self._changed:
                while not self._enough:  # in slices, so that an interrupt ends the wait
                    self._changed.wait(0.1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[Plan | None]:
        """The plans; None every ``WAIT_S`` while the next one is not made yet."""
        while True:
            try:
                plan = self._made.get(timeout=WAIT_S)
            except queue.Empty:
                yield None
                continue
            if plan is None:
                return
            if isinstance(plan, BaseException):
                raise plan
            with self._changed:
                self._waiting -= plan.count
                self._changed.notify_all()
            yield plan

    def _make(self) -> None:
        try:
            for plan in self._plans:
                self._made.put(plan)
                self._on_made(plan.count)
                with self._changed:
                    self._waiting += plan.count
                    if self._waiting >= self._most:
                        self._enough = True
                        self._changed.notify_all()
                    self._changed.wait_for(lambda: self._ended or self._waiting < self._most)
                    if self._ended:
                        return
            self._made.put(None)
        except BaseException as error:
            self._made.put(error)
        finally:
            with self._changed:
                self._enough = True
                self._changed.notify_all()


def made_before() -> int:
    """How many orders fit into memory before the first one is sent."""
    free_bytes = 0
    with contextlib.suppress(OSError):
        found = re.search(r"^MemAvailable:\s+(\d+) kB$", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
        free_bytes = int(found[1]) * 1024 if found else 0
    return max(LEAST_MADE, int(free_bytes * SHARE_OF_MEMORY / ORDER_BYTES))
