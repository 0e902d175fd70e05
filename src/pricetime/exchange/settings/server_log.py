"""The log of the server: one line for each event, formatted for people or as JSON.

Only the control side logs. The threads that carry orders count, and the control side logs these counters at intervals.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor

from .fields import LogFormat, LogLevel

Log = FilteringBoundLogger


def make_log(level: LogLevel = LogLevel.INFO, form: LogFormat = LogFormat.AUTO, stream: TextIO | None = None) -> Log:
    """A log that writes to a stream, by default standard output. Changes no global state."""
    stream = sys.stdout if stream is None else stream
    on_terminal = stream.isatty()
    processors: list[Processor] = [structlog.processors.add_log_level]
    if is_for_people(form, stream):
        processors.append(structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False))
        processors.append(structlog.dev.ConsoleRenderer(colors=on_terminal, pad_event_to=0))
    else:
        processors.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
        processors.append(structlog.processors.format_exc_info)
        processors.append(_in_order)
        processors.append(structlog.processors.JSONRenderer(default=str))
    made: Log = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level.value),
        cache_logger_on_first_use=True,
    ).bind()
    return made


def is_for_people(form: LogFormat, stream: TextIO | None = None) -> bool:
    """Whether the log is formatted for people (console) and not as JSON."""
    on_terminal = (sys.stdout if stream is None else stream).isatty()
    return form is LogFormat.CONSOLE or (form is LogFormat.AUTO and on_terminal)


def _in_order(_log: object, _method: str, event: EventDict) -> EventDict:
    """Put timestamp, level and event first."""
    first = {name: event[name] for name in ("timestamp", "level", "event")}
    return {**first, **event}


class LimitedLog:
    """Limits events that a remote host can cause: ``each_second`` events of each kind are written, others are counted.

    The next event of that kind has the number of events that were not written in the field ``left_out``.
    """

    def __init__(self, log: Log, *, each_second: int = 5, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._each_second = each_second
        self._clock = clock
        self._second = 0
        self._written: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def info(self, event: str, **fields: object) -> None:
        """Write an event, or only count it if too many of its kind were written in this second."""
        if (second := int(self._clock())) != self._second:
            self._second = second
            self._written.clear()
        written = self._written.get(event, 0)
        if written >= self._each_second:
            self._left_out[event] = self._left_out.get(event, 0) + 1
            return
        self._written[event] = written + 1
        if left_out := self._left_out.pop(event, 0):
            fields["left_out"] = left_out
        self._log.info(event, **fields)
