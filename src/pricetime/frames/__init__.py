"""Frames of pandas, polars and PyArrow to commands, and commands, reports, trades and depth to frames.

Needs the extra ``frames``, and one of the three libraries::

    commands = commands_from_frame(df, tick_size=0.25)
    reports = OrderBook(price_unit=0.25).apply(commands)
    df = trades_to_frame(reports, tick_size=0.25, native="polars")

A book computes with whole ticks. ``tick_size`` is the currency value of one tick, the ``price_unit`` of the instrument:
with it prices are in currency, without it they are in ticks.
"""

from __future__ import annotations

from .commands import commands_from_frame, commands_to_frame
from .depth import depth_to_frame
from .errors import InvalidFrame
from .reports import reports_to_frame, trades_to_frame
from .top import top_to_frame

__all__ = [
    "InvalidFrame",
    "commands_from_frame",
    "commands_to_frame",
    "depth_to_frame",
    "reports_to_frame",
    "top_to_frame",
    "trades_to_frame",
]
