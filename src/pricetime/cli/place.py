"""Where an exchange is, for the commands that go to one: as the server's own settings have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

HOST, PORT, RECOVERY_PORT = "127.0.0.1", 7001, 7002
FEED_GROUP, FEED_PORT, INTERFACE = "239.255.77.1", 7003, "127.0.0.1"


def place(flag: str, default: str | int, text: str, variable: str) -> Callable[[Any], Any]:
    """An option with the default of a server's setting, and the environment variable of it."""
    kind = click.IntRange(1, 65535) if isinstance(default, int) else click.STRING
    return click.option(
        flag, default=default, show_default=True, type=kind, envvar=f"PRICETIME_{variable}", show_envvar=True, help=text
    )
