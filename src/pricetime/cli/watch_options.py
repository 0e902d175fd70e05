"""The options of ``pricetime subscribe``, which its output reads too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Options:
    """Which feed, how to show it, and when to end."""

    feed_group: str
    feed_port: int
    feed_interface: str
    host: str
    recovery_port: int
    order_capacity: int = 1 << 20
    recovery: bool = True
    instruments: tuple[int, ...] = ()
    levels: int = 10
    plain: bool = False
    reports: int | None = None
    seconds: float | None = None
    until_idle: float | None = None
