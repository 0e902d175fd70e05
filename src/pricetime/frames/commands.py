"""A frame of orders as an array of commands."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InvalidSetting
from ..prices import price_unit
from ..types import COMMAND, MAX_QUANTITY, CommandType, Instruction, OrderType, SelfTrade, Side, TimeInForce
from .errors import InvalidFrame
from .native import narwhals
from .prices import to_ticks

NEW, REPLACE, REDUCE = CommandType.NEW_ORDER, CommandType.REPLACE_ORDER, CommandType.REDUCE_ORDER

TYPES = {
    **{kind.name.lower(): kind for kind in CommandType},
    "new": NEW, "add": NEW, "cancel": CommandType.CANCEL_ORDER,
    "replace": REPLACE, "modify": REPLACE, "reduce": REDUCE,
}  # fmt: skip
SIDES = {
    "bid": Side.BID, "b": Side.BID, "buy": Side.BID, "ask": Side.ASK, "a": Side.ASK, "s": Side.ASK, "sell": Side.ASK,
    -1: Side.ASK,
}  # fmt: skip
ORDER_TYPES = {kind.name.lower(): kind for kind in OrderType}
TIMES = {tif.name.lower(): tif for tif in TimeInForce}
FLAGS = {"true": True, "false": False, True: True, False: False}
MODES = {mode.name.lower(): mode for mode in SelfTrade}

#: The largest value of each column of whole numbers.
LARGEST = {"order_id": 2**64 - 1, "owner": 2**32 - 1, "instrument": 2**32 - 1, "quantity": MAX_QUANTITY}

#: The columns that a frame may have.
COLUMNS = (
    "type", "order_id", "side", "price", "quantity", "order_type", "time_in_force", "post_only", "self_trade", "owner",
    "instrument", "timestamp",
)  # fmt: skip


def commands_from_frame(
    frame: Any,
    tick_size: Decimal | float | str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    instrument: int = 0,
) -> Any:
    """The rows of a frame as commands: an array of ``pricetime.COMMAND``, shape (rows,), for ``apply``.

    ``frame``: of pandas, polars, PyArrow or any library that narwhals supports. ``tick_size``: the currency value of
    one tick; None if prices are in ticks already. ``columns``: the frame's names of the columns below, where they
    differ, such as ``{"price": "px"}``. ``instrument``: of all rows, if the frame has no such column; the instrument of
    an ``OrderBook`` is 0.

    | column | values | default |
    |---|---|---|
    | type | new (or add), cancel, reduce, replace, mass_cancel, or a `CommandType` | new |
    | order_id | whole number below 2**64 | 1, 2, ... if all rows are new orders |
    | side | bid, buy, B or 1; ask, sell, S, A, 2 or -1 | needed for new orders |
    | price | currency, or ticks without `tick_size` | needed for new orders, except market orders, and replaces |
    | quantity | whole lots | needed for new orders, replaces and reduces |
    | order_type | limit, market, or an `OrderType` | limit |
    | time_in_force | gtc, ioc, fok, or a `TimeInForce` | gtc |
    | post_only | true or false | false |
    | self_trade | name of a `SelfTrade` mode | the mode of the instrument |
    | owner | whole number below 2**32 | 0 |
    | instrument | whole number | `instrument` |
    | timestamp | a time with or without zone (UTC), or ns since 1970 | 0 |

    Upper and lower case are the same. A float price must be a tick up to the rounding of floats; text and decimals
    must be exact. Raises InvalidFrame, which names the column and the row (the first row is 0), InvalidSetting, and
    MissingExtra without narwhals. O(rows).

    ```python
    >>> import polars as pl
    >>> from pricetime import OrderBook
    >>> df = pl.DataFrame({"side": ["buy", "sell"], "price": [101.25, 101.25], "quantity": [5, 3]})
    >>> commands = commands_from_frame(df, tick_size=0.25)
    >>> commands["price"].tolist(), len(OrderBook().apply(commands))
    ([405, 405], 3)
    ```
    """
    return _Reader(frame, columns or {}).commands(None if tick_size is None else price_unit(tick_size), instrument)


class _Reader:
    """The columns of one frame, by the names of ``COLUMNS``."""

    def __init__(self, frame: Any, names: Mapping[str, str]) -> None:
        try:
            self._frame = narwhals().from_native(frame, eager_only=True)
        except TypeError as error:
            raise InvalidFrame(
                f"{type(frame).__name__} is not a frame of pandas, polars or PyArrow: {error}"
            ) from error
        if unknown := sorted(set(names) - set(COLUMNS)):
            raise InvalidSetting(f"columns names {unknown[0]!r}: a command has {', '.join(COLUMNS)}")
        taken = set(names.values())  # a column of the frame serves one purpose
        self._names = {name: names.get(name, name if name not in taken else "") for name in COLUMNS}
        for name, given in names.items():
            if given not in self._frame.columns:
                raise InvalidFrame(f"no column {given!r} for {name}: the frame has {self._has()}")

    def commands(self, unit: Decimal | None, instrument: int) -> Any:
        commands = np.zeros(len(self._frame), COMMAND)
        kinds = self._codes("type", TYPES, CommandType, NEW)
        new, replace = kinds == NEW, np.isin(kinds, (REPLACE, CommandType.REPLACE_ORDER_AS))
        order_types = self._codes("order_type", ORDER_TYPES, OrderType, OrderType.LIMIT)
        market = order_types == OrderType.MARKET
        commands["type"] = kinds
        commands["side"] = self._codes("side", SIDES, Side, 0, needed=new)
        commands["order_type"] = order_types
        commands["time_in_force"] = self._codes("time_in_force", TIMES, TimeInForce, TimeInForce.GTC)
        commands["instructions"] = Instruction.POST_ONLY * self._codes("post_only", FLAGS, None, False)
        commands["flags"] = self._codes("self_trade", MODES, SelfTrade, 0)
        commands["price"] = self._prices(unit, (new & ~market) | replace)
        commands["quantity"] = self._whole("quantity", 0, needed=new | replace | (kinds == REDUCE), smallest=1)
        if new.all() and not self._has_column("order_id"):
            commands["order_id"] = np.arange(1, len(commands) + 1)
        else:
            by_id = ~np.isin(kinds, (CommandType.MASS_CANCEL, CommandType.SET_PHASE))
            commands["order_id"] = self._whole("order_id", 0, needed=by_id)
        commands["owner"] = self._whole("owner", 0)
        commands["instrument"] = self._whole("instrument", instrument)
        commands["timestamp"] = self._timestamps()
        return commands

    def _has_column(self, name: str) -> bool:
        return self._names[name] in self._frame.columns

    def _has(self) -> str:
        return ", ".join(map(repr, self._frame.columns)) or "no columns"

    def _error(self, name: str, row: int, reason: object) -> InvalidFrame:
        return InvalidFrame(f"row {row}, column {self._names[name]!r}: {reason}")

    def _column(self, name: str, needed: Any | None) -> tuple[Any, Any] | None:
        """The values of a column and which are null; None if it is not there. Raises InvalidFrame if it is needed."""
        if not self._has_column(name):
            if needed is not None and needed.any():
                raise InvalidFrame(
                    f"no column {name!r}, which row {int(needed.argmax())} needs: the frame has {self._has()}. "
                    f"Name the one that has it: columns={{{name!r}: ...}}"
                )
            return None
        column = self._frame[self._names[name]]
        null = column.is_null().to_numpy().astype(bool)
        if column.dtype.is_float():
            null |= np.isnan(column.to_numpy())
        if needed is not None and (null & needed).any():
            row = int((null & needed).argmax())
            raise self._error(name, row, f"is empty: a command of this type needs {_article(name)}")
        return column, null

    def _codes(self, name: str, words: Mapping[Any, int], kind: Any, default: int, needed: Any | None = None) -> Any:
        """A column of words or numbers as the numbers of an enumeration; of words alone if ``kind`` is None."""
        found = self._column(name, needed)
        if found is None:
            return np.full(len(self._frame), default, np.uint8)
        column, null = found
        values = column.to_list()
        codes: dict[Any, int] = {}
        for value in set(values):
            word = value.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(value, str) else value
            code = words.get(word)
            if code is None and kind and not isinstance(value, str) and value in kind._value2member_map_:
                code = int(value)
            if code is None and (value is None or value != value or value == ""):
                code = default
            if code is None:
                allowed = ", ".join(str(word) for word in words)
                raise self._error(name, values.index(value), f"{shown(value)} is not one of {allowed}")
            codes[value] = int(code)
        made = np.array([codes[value] for value in values], np.uint8)
        made[null] = default
        return made

    def _prices(self, unit: Decimal | None, needed: Any) -> Any:
        found = self._column("price", needed)
        if found is None:
            return 0
        column, null = found
        numeric = column.dtype.is_integer() or column.dtype.is_float()
        values = _numbers(column, null) if numeric else np.array(column.to_list(), object)
        return to_ticks(values, unit or Decimal(1), ~null & needed, lambda row, error: self._error("price", row, error))

    def _whole(self, name: str, default: int, needed: Any | None = None, smallest: int = 0) -> Any:
        """A column of whole numbers."""
        found = self._column(name, needed)
        if found is None:
            return np.full(len(self._frame), default, np.uint64)
        column, null = found
        if null.all():  # such a column may have no type
            return np.full(len(self._frame), default, np.uint64)
        if not (column.dtype.is_integer() or column.dtype.is_float()):
            raise InvalidFrame(f"column {self._names[name]!r} has the type {column.dtype}: give whole numbers")
        values = _numbers(column, null)
        used = ~null if needed is None else ~null & needed
        good = (values >= smallest) & (values <= LARGEST[name])
        if values.dtype.kind == "f":
            good &= (values == np.rint(values)) & (np.abs(values) < 2**53)
        if (bad := ~good & used).any():
            row = int(bad.argmax())
            reason = f"{values[row].item()!r} is not a whole number from {smallest} to {LARGEST[name]}"
            raise self._error(name, row, reason)
        return np.where(used, values, default).astype(np.uint64)

    def _timestamps(self) -> Any:
        found = self._column("timestamp", None)
        if found is None:
            return 0
        column, null = found
        if null.all():
            return 0
        if column.dtype.is_temporal():
            times = column.dt.timestamp("ns")
        elif column.dtype.is_integer():
            times = column
        else:
            raise InvalidFrame(
                f"column {self._names['timestamp']!r} has the type {column.dtype}: give times, or whole ns since 1970"
            )
        values = _numbers(times, null)
        if (values < 0).any():
            row = int((values < 0).argmax())
            raise self._error("timestamp", row, f"{values[row].item()} ns is before 1970")
        return values.astype(np.uint64)


def _numbers(column: Any, null: Any) -> Any:
    """The numbers of a column as an array, 0 where they are null."""
    values = column.fill_null(0).to_numpy() if null.any() and not column.dtype.is_float() else column.to_numpy()
    if values.dtype == object:  # whole numbers of pandas that may be null
        values = np.array(values.tolist())
    return np.where(null, 0, values).astype(values.dtype) if null.any() else values


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeio" else f"a {name}"
