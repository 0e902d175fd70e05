"""A subscriber that follows the feed in a thread of its own, and can be asked meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import PricetimeError
from ..feed.sequencer import FeedState
from ..feed.subscriber import Subscriber

#: How long one look at the socket may take, for which whoever asks has to wait.
POLL_S = 0.02

#: How long the feed may need to come to a report that is waited for.
PATIENCE_S = 30.0


class NeverWhole(PricetimeError):
    """The subscriber did not come to the report that was waited for."""


class Following:
    """A context manager around ``Subscriber(*arguments, **settings)``. What its thread raises is raised at the end."""

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
                time.sleep(0)  # whoever asks takes the lock now
        except BaseException as error:
            self._failure = error

    @contextmanager
    def asked(self) -> Iterator[Subscriber]:
        """The subscriber, which stands still meanwhile."""
        with self._lock:
            yield self._subscriber

    def wait_whole(self, seq_num: int = 0) -> None:
        """Until the books are whole and have every report up to this one. Raises NeverWhole.

        The last report of a server that has stopped may be waited for: the feed may be silent then.
        """
        deadline = time.monotonic() + PATIENCE_S
        enough = (FeedState.WHOLE, FeedState.SILENT) if seq_num else (FeedState.WHOLE,)
        while True:
            with self.asked() as subscriber:
                state, last = subscriber.state, subscriber.seq_num
            if state in enough and last >= seq_num:
                return
            if time.monotonic() > deadline or self._failure is not None:
                where = f"{state.name} at report {last}"
                raise NeverWhole(f"the subscriber is {where}, report {seq_num} was waited for") from self._failure
            time.sleep(0.005)
