"""Runs a server: preflight checks, the exchange, and the control side."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ..native import hlog
from .control.control import Control, MakePage
from .control.preflight import preflight
from .exchange import Exchange
from .settings.config import GatewayConfig
from .settings.fields import Acknowledge
from .settings.server_log import Log, make_log
from .standby.journal import Journal

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

#: Python's thread switch interval with ``durable``, in seconds. Clients wait for the syncer thread, which would
#: otherwise wait up to 5 ms, Python's default, for the Python code of other threads.
SWITCH_INTERVAL_S = 0.0002

#: Niceness of the control thread when it serves the live page. It wakes ten times a second, and the threads that carry
#: orders run first if they share its processor. On Linux, nice() affects only the calling thread.
CONTROL_NICENESS = 10


def run(
    config: GatewayConfig,
    make_page: MakePage | None = None,
    show_places: Callable[[Iterable[tuple[str, str]]], None] | None = None,
    *,
    journal: Journal | None = None,
    log: Log | None = None,
    collectors: Iterable[Collector] = (),
) -> int:
    """Serve until a signal stops the server. Returns the exit code.

    ``make_page``: makes the live page, if the settings want it. ``show_places``: called once with the addresses on
    which the server listens, see ``Preflight.places``. ``journal``: an open one, see ``Exchange``; ``log``: by default
    that of the settings; ``collectors``: of further metrics. Raises CannotStart, JournalError and MemoryError before
    any thread runs.
    """
    if config.acknowledge is Acknowledge.DURABLE:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
    log = log or make_log(config.log_level, config.log_format)
    with (
        closing(preflight(config)) as prepared,
        closing(Exchange(config, prepared.feed, log, journal=journal)) as exchange,
    ):
        if prepared.listener is not None and not config.force:
            prepared.listener.check()
        exchange.start()
        exchange.avoid_order_cpus()
        if prepared.page is not None:
            os.nice(CONTROL_NICENESS)
        if show_places is not None:
            show_places(prepared.places(config))
        started_at = time.time()
        try:
            return Control(config, prepared, exchange, log, make_page, collectors).run()
        finally:
            write_latencies(config.latency_log, exchange, started_at, log)


def write_latencies(path: Path | None, exchange: Exchange, started_at: float, log: Log) -> None:
    """Write the latency histograms to ``path`` if it is set, whatever ended the server."""
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
