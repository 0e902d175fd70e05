"""A server from its settings: what it must have, the exchange, and the control side around it."""

from __future__ import annotations

import os
import sys
from contextlib import closing

from .config import GatewayConfig
from .control import Control
from .exchange import Exchange
from .fields import Acknowledge
from .log import make_log
from .prepare import prepare

#: With ``durable`` clients wait for the syncer, which must not wait for Python code of other threads, by default 5 ms.
SWITCH_S = 0.0002

#: How far this thread lets others go first when it has pages to serve: it wakes ten times a second, and where it shares
#: a processor with a thread that carries orders, that one goes on. Linux takes it of the thread that asks alone.
POLITENESS = 10


def run(config: GatewayConfig) -> int:
    """Serve until told to stop: the exit code.

    Raises CannotStart, JournalError and MemoryError before anything runs.
    """
    if config.acknowledge is Acknowledge.DURABLE:
        sys.setswitchinterval(SWITCH_S)
    log = make_log(config.log_level, config.log_format)
    with closing(prepare(config)) as prepared, closing(Exchange(config, prepared.feed, log)) as exchange:
        exchange.start()
        exchange.keep_clear()
        if prepared.page is not None:
            os.nice(POLITENESS)
        return Control(config, prepared, exchange, log).run()
