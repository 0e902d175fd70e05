"""Records the trades and the top of book of a replay and writes them to CSV or Parquet files."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any, ClassVar

from ..errors import InvalidSetting
from ..extras import require
from .market import Levels
from .outcome import TapeTrade, Unmatched, Verdict

NO_LEVEL = (0, 0, 0)

FORMATS = ("csv", "parquet")


class Recorder:
    """Records the fills of every trade and every change of the best levels: 57 bytes for a fill, 56 for a change.

    The fills are those of the tape, one row each: time_ns (on the tape's time scale), sequence (of the exchange, or the
    line of the file), taker_id, side (of the aggressing order), price, quantity, maker_id, and verdict: how the book's
    fills of the whole trade compare, or why it was not matched. The top of book has time_ns and price, quantity (lots)
    and orders of both sides, null for an empty side.
    """

    FILL_COLUMNS: ClassVar = {
        "time_ns": "Q", "sequence": "Q", "taker_id": "Q", "side": "B", "price": "q", "quantity": "Q", "maker_id": "Q",
        "verdict": "B",
    }  # fmt: skip
    TOP_COLUMNS: ClassVar = {
        "time_ns": "Q",
        "bid": "q", "bid_quantity": "Q", "bid_orders": "Q",
        "ask": "q", "ask_quantity": "Q", "ask_orders": "Q",
    }  # fmt: skip
    VERDICTS: ClassVar = (*Verdict, *Unmatched)

    def __init__(self) -> None:
        self.fills = {name: array(code) for name, code in self.FILL_COLUMNS.items()}
        self.tops = {name: array(code) for name, code in self.TOP_COLUMNS.items()}
        self._top: tuple[int, ...] = ()

    def trade(self, trade: TapeTrade, verdict: Verdict | Unmatched) -> None:
        """Record a trade. If it was not matched, its aggressing order and side are unknown."""
        code = self.VERDICTS.index(verdict)
        side = 0 if isinstance(verdict, Unmatched) else trade.side
        for maker_id, quantity in trade.fills:
            row = (trade.time_ns, trade.sequence, trade.taker_id, side, trade.price, quantity, maker_id, code)
            _append(self.fills, row)

    def top(self, time_ns: int, bids: Levels, asks: Levels) -> None:
        """Record the best levels if they changed."""
        top = (*(bids[0] if bids else NO_LEVEL), *(asks[0] if asks else NO_LEVEL))
        if top != self._top:
            self._top = top
            _append(self.tops, (time_ns, *top))

    def write(self, prefix: Path, file_format: str, price_scale: int) -> tuple[Path, Path]:
        """Write ``prefix.trades.csv`` and ``prefix.top.csv``, or ``.parquet``, and return the two paths.

        Prices are exact decimals in currency. Raises MissingExtra without polars, OSError.
        """
        if file_format not in FORMATS:
            raise InvalidSetting(f"format {file_format!r} is unknown: give one of {', '.join(FORMATS)}")
        paths = []
        for name, frame in (("trades", self._fill_frame(price_scale)), ("top", self._top_frame(price_scale))):
            path = prefix.with_name(f"{prefix.name}.{name}.{file_format}")
            frame.write_csv(path) if file_format == "csv" else frame.write_parquet(path)
            paths.append(path)
        return paths[0], paths[1]

    def _fill_frame(self, price_scale: int) -> Any:
        pl = require("polars", "columnar", "writing CSV and Parquet")
        return pl.DataFrame(_arrays(self.fills)).with_columns(
            _decimal(pl, "price", price_scale),
            pl.col("side").replace_strict([0, 1, 2], [None, "bid", "ask"], return_dtype=pl.String),
            pl.col("verdict").replace_strict(
                list(range(len(self.VERDICTS))),
                [verdict.name.lower() for verdict in self.VERDICTS],
                return_dtype=pl.String,
            ),
        )

    def _top_frame(self, price_scale: int) -> Any:
        pl = require("polars", "columnar", "writing CSV and Parquet")
        sides = [
            pl.when(pl.col(f"{side}_orders") > 0).then(column).otherwise(None).alias(name)
            for side in ("bid", "ask")
            for name, column in {
                side: _decimal(pl, side, price_scale),
                f"{side}_quantity": pl.col(f"{side}_quantity"),
                f"{side}_orders": pl.col(f"{side}_orders"),
            }.items()
        ]
        return pl.DataFrame(_arrays(self.tops)).select("time_ns", *sides)


def _append(columns: dict[str, array[int]], row: tuple[int, ...]) -> None:
    for column, value in zip(columns.values(), row, strict=True):
        column.append(value)


def _arrays(columns: dict[str, array[int]]) -> dict[str, Any]:
    import numpy as np

    return {name: np.frombuffer(column, column.typecode) for name, column in columns.items()}


def _decimal(pl: Any, name: str, scale: int) -> Any:
    """A column of integer prices as exact decimals in currency."""
    digits = len(str(scale)) - 1
    unit = pl.lit(f"0.{'1':0>{digits}}").cast(pl.Decimal(38, digits))
    return (pl.col(name).cast(pl.Decimal(38, digits)) * unit).cast(pl.Decimal(38, digits)).alias(name)
