"""A subscriber that follows the feed in its own thread while other threads read its books."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..client.feed_state import FeedState
from ..client.subscriber import Subscriber
from ..errors import PricetimeError

#: Longest poll of the socket, in seconds; a reader may wait this long for the subscriber.
POLL_S = 0.02

#: Longest wait for a report of the feed, in seconds.
PATIENCE_S = 30.0


class NeverWhole(PricetimeError):
    """The subscriber did not receive the expected report in time."""


class Following:
    """A context manager around ``Subscriber(*arguments, **settings)``. Errors of its thread are raised on exit."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        self._subscriber = Subscriber(*arguments, **settings)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._follow, name="pricetime-following")

    def __enter__(self) -> Following:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._subscriber.close()
        if self._failure is not None:
            raise self._failure

    def _follow(self) -> None:
        try:
            while not self._ended.is_set():
                with self._lock:
                    self._subscriber.poll(POLL_S)
                time.sleep(0)  # lets a waiting reader take the lock
        except BaseException as error:
            self._failure = error

    @contextmanager
    def locked(self) -> Iterator[Subscriber]:
        """The subscriber, paused while the caller uses it."""
        with self._lock:
            yield self._subscriber

    def wait_whole(self, seq_num: int = 0) -> None:
        """Wait until the books are complete up to this report. Raises NeverWhole.

        If a report is given the feed may be silent, because the server may have stopped after it.
        """
        deadline = time.monotonic() + PATIENCE_S
        enough = (FeedState.WHOLE, FeedState.SILENT) if seq_num else (FeedState.WHOLE,)
        while True:
            with self.locked() as subscriber:
                state, last = subscriber.state, subscriber.seq_num
            if state in enough and last >= seq_num:
                return
            if time.monotonic() > deadline or self._failure is not None:
                where = f"{state.name} at report {last}"
                raise NeverWhole(
                    f"the subscriber is {where} and did not receive report {seq_num} in {PATIENCE_S:g} s"
                ) from self._failure
            time.sleep(0.005)
