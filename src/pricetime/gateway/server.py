"""A server from its settings: what it must have, the exchange, and the control side around it."""

from __future__ import annotations

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
        return Control(config, prepared, exchange, log).run()
