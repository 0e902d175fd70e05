"""A server from its settings: what it must have, the exchange, and the control side around it."""

from __future__ import annotations

from contextlib import closing

from .config import GatewayConfig
from .control import Control
from .exchange import Exchange
from .log import is_for_people, make_log
from .prepare import prepare


def run(config: GatewayConfig) -> int:
    """Serve until told to stop: the exit code. Raises CannotStart and MemoryError before anything runs."""
    log = make_log(config.log_level, config.log_format)
    if not is_for_people(config.log_format):  # who reads a terminal was shown a table
        log.info("settings", **config.model_dump(mode="json"))
    with closing(prepare(config)) as prepared, closing(Exchange(config, prepared.feed)) as exchange:
        exchange.start()
        exchange.keep_clear()
        return Control(config, prepared, exchange, log).run()
