"""A server from its settings: what it must have, the exchange, and the control side around it."""

from __future__ import annotations

from contextlib import closing

from .config import GatewayConfig
from .control import Control
from .exchange import Exchange
from .log import make_log
from .prepare import prepare


def run(config: GatewayConfig) -> int:
    """Serve until told to stop: the exit code. Raises CannotStart and MemoryError before anything runs."""
    with closing(prepare(config)) as prepared, closing(Exchange(config, prepared.feed)) as exchange:
        exchange.start()
        exchange.keep_clear()
        return Control(config, prepared, exchange, make_log(config.log_level, config.log_format)).run()
