"""A server from its settings: what it must have, the exchange, and the control side around it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from ..measure import hlog
from .config import GatewayConfig
from .control import Control
from .exchange import Exchange
from .fields import Acknowledge
from .log import Log, make_log
from .preflight import preflight

#: With ``durable`` clients wait for the syncer, which must not wait for Python code of other threads, by default 5 ms.
SWITCH_S = 0.0002

#: How far this thread lets others go first when it has pages to serve: it wakes ten times a second, and where it shares
#: a processor with a thread that carries orders, that one goes on. Linux takes it of the thread that asks alone.
POLITENESS = 10


def run(config: GatewayConfig, say_places: Callable[[Iterable[tuple[str, str]]], None] | None = None) -> int:
    """Serve until told to stop: the exit code. ``say_places`` is called with where it listens, as ``places`` says.

    Raises CannotStart, JournalError and MemoryError before anything runs.
    """
    if config.acknowledge is Acknowledge.DURABLE:
        sys.setswitchinterval(SWITCH_S)
    log = make_log(config.log_level, config.log_format)
    with closing(preflight(config)) as prepared, closing(Exchange(config, prepared.feed, log)) as exchange:
        if prepared.listener is not None and not config.force:
            prepared.listener.check()
        exchange.start()
        exchange.keep_clear()
        if prepared.page is not None:
            os.nice(POLITENESS)
        if say_places is not None:
            say_places(prepared.places(config))
        started_at = time.time()
        try:
            return Control(config, prepared, exchange, log).run()
        finally:
            write_latencies(config.latency_log, exchange, started_at, log)


def write_latencies(path: Path | None, exchange: Exchange, started_at: float, log: Log) -> None:
    """How long commands took, into the file that was asked for: whatever the server ends for."""
    if path is None:
        return
    measured = exchange.latencies()
    histograms = {f"{interval}.{kind}": each for interval, kinds in measured.items() for kind, each in kinds.items()}
    try:
        hlog.write(path, histograms, started_at=started_at, ended_at=time.time())
    except OSError as error:
        log.error("latencies not written", file=str(path), error=error.strerror)
    else:
        log.info("latencies written", file=str(path))
