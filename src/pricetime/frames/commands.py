"""A frame of orders as an array of commands, and the reverse."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InvalidSetting
from ..prices import price_unit
from ..types import (
    COMMAND,
    MAX_QUANTITY,
    ORDER_EXTENSION,
    STOPS,
    UNPRICED,
    CommandType,
    Instruction,
    OrderType,
    SelfTrade,
    Side,
    TimeInForce,
)
from .errors import InvalidFrame
from .native import Nullable, frame_of, names_of, narwhals
from .prices import TickSize, in_currency_column, to_ticks

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

#: Columns that are one instruction each.
INSTRUCTIONS = {
    "post_only": Instruction.POST_ONLY, "at_the_open": Instruction.AT_THE_OPEN,
    "at_the_close": Instruction.AT_THE_CLOSE, "all_or_none": Instruction.ALL_OR_NONE,
}  # fmt: skip

#: Columns of an extension, and the field of each.
EXTENDING = {
    "trigger_price": "trigger_price", "display_quantity": "display_quantity", "expiry": "expiry_ns",
    "minimum_quantity": "minimum_quantity", "protection": "protection",
}  # fmt: skip

#: Commands that are not about one order.
TO_NO_ORDER = (
    CommandType.MASS_CANCEL, CommandType.SET_PHASE, CommandType.UNCROSS, CommandType.INDICATE, CommandType.EXPIRE,
    CommandType.SET_PRICE,
)  # fmt: skip

#: The largest value of each column of whole numbers.
LARGEST = {
    "order_id": 2**64 - 1, "owner": 2**32 - 1, "instrument": 2**32 - 1, "quantity": MAX_QUANTITY,
    "display_quantity": MAX_QUANTITY, "minimum_quantity": MAX_QUANTITY,
}  # fmt: skip

#: Most ticks of protection.
LARGEST_PROTECTION = 2**32 - 1

#: The columns that a frame may have.
COLUMNS = (
    "type", "order_id", "side", "price", "quantity", "order_type", "time_in_force", *INSTRUCTIONS, "self_trade",
    "owner", "instrument", "timestamp", *EXTENDING,
)  # fmt: skip


def commands_from_frame(
    frame: Any,
    tick_size: Decimal | float | str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    instrument: int = 0,
) -> Any:
    """The rows of a frame as commands: an array of ``pricetime.COMMAND``, for ``apply``.

    ``frame``: of pandas, polars, PyArrow or any library that narwhals supports. ``tick_size``: the currency value of
    one tick; None if prices are in ticks already. ``columns``: the frame's names of the columns below, where they
    differ, such as ``{"price": "px"}``. ``instrument``: of all rows, if the frame has no such column; the instrument of
    an ``OrderBook`` is 0. A row makes one command; a new order or a replace with one of the last five columns makes
    two, of which the second is its ``ORDER_EXTENSION``.

    | column | values | default |
    |---|---|---|
    | type | new (or add), cancel, reduce, replace, mass_cancel, or a `CommandType` | new |
    | order_id | whole number below 2**64 | 1, 2, ... if all rows are new orders |
    | side | bid, buy, B or 1; ask, sell, S, A, 2 or -1 | needed for new orders |
    | price | currency, or ticks without `tick_size` | needed for new orders and replaces that have a price |
    | quantity | whole lots | needed for new orders, replaces and reduces |
    | order_type | limit, market, stop, ... or an `OrderType` | limit |
    | time_in_force | gtc, day, gtd, ioc, fok, gfa, or a `TimeInForce` | gtc |
    | post_only, at_the_open, at_the_close, all_or_none | true or false | false |
    | self_trade | name of a `SelfTrade` mode | the mode of the instrument |
    | owner | whole number below 2**32 | 0 |
    | instrument | whole number | `instrument` |
    | timestamp | a time with or without zone (UTC), or ns since 1970 | 0 |
    | trigger_price | as price | none |
    | display_quantity, minimum_quantity | whole lots | none |
    | expiry | as timestamp | none |
    | protection | a distance between prices, as price | none |

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


def commands_to_frame(commands: Any, tick_size: TickSize = None, *, native: str | None = None) -> Any:
    """Commands as a frame, one row each: the reverse of ``commands_from_frame``.

    ``commands``: array of ``pricetime.COMMAND``, in which extensions follow their orders. An order and its extension
    are one row. ``tick_size``, ``native``: as of ``reports_to_frame``. Raises InvalidSetting and MissingExtra.
    O(commands).

    Columns: those of ``commands_from_frame``. Types, sides and modes are text in lower case, times are ns since 1970.
    What a command does not have is null.

    ```python
    >>> import polars as pl
    >>> df = pl.DataFrame({"side": ["buy"], "price": ["101.25"], "quantity": [50], "display_quantity": [10]})
    >>> commands = commands_from_frame(df, tick_size="0.25")
    >>> len(commands)
    2
    >>> commands_to_frame(commands, tick_size="0.25").select("side", "price", "display_quantity").rows()
    [('bid', 101.25, 10)]
    ```
    """
    if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
        raise InvalidSetting(f"{type(commands).__name__} is not an array of commands: give dtype pricetime.COMMAND")
    extensions = commands["type"] == CommandType.ORDER_EXTENSION
    rows = commands[~extensions]
    kinds, order_types = rows["type"], rows["order_type"]
    new, replace = kinds == NEW, np.isin(kinds, (REPLACE, CommandType.REPLACE_ORDER_AS))
    orders = new | replace
    priced = orders & ~(new & np.isin(order_types, UNPRICED))
    instruments = rows["instrument"]
    columns = {
        "type": names_of(kinds, {int(kind): kind.name.lower() for kind in CommandType}),
        "order_id": Nullable(rows["order_id"], np.isin(kinds, TO_NO_ORDER)),
        "side": names_of(rows["side"], {int(side): side.name.lower() for side in Side}),
        "price": Nullable(in_currency_column(rows["price"], instruments, tick_size), ~priced),
        "quantity": Nullable(rows["quantity"], ~(orders | (kinds == REDUCE))),
        "order_type": _named(order_types, OrderType, new),
        "time_in_force": _named(rows["time_in_force"], TimeInForce, new),
        **{name: Nullable((rows["instructions"] & bit) != 0, ~new) for name, bit in INSTRUCTIONS.items()},
        "self_trade": _named(rows["flags"], SelfTrade, new),
        "owner": rows["owner"],
        "instrument": instruments,
        "timestamp": rows["timestamp"],
    }
    has, more = _extensions(commands, extensions)
    for name, field in EXTENDING.items():
        values = more[field]
        null = ~has | (new & (~np.isin(order_types, STOPS) if name == "trigger_price" else values == 0))
        if name in {"trigger_price", "protection"}:
            values = in_currency_column(values.astype(np.int64), instruments, tick_size)
        columns[name] = Nullable(values, null)
    return frame_of(columns, native)


def _extensions(commands: Any, extensions: Any) -> tuple[Any, Any]:
    """Which of the other commands have an extension, and for each its extension, or one with all fields 0."""
    has = np.append(extensions[1:], False)[~extensions]
    more = np.zeros(len(has), ORDER_EXTENSION)
    more[has] = commands[extensions][-int(has.sum()) :].view(ORDER_EXTENSION) if has.any() else more[:0]
    return has, more


def _named(codes: Any, enum: Any, used: Any) -> Nullable:
    """Numbers of an enumeration as text, null where they are not used or unknown."""
    values, null = names_of(codes, {int(member): member.name.lower() for member in enum})
    return Nullable(values, null | ~used)


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
        commands["type"] = kinds
        commands["side"] = self._codes("side", SIDES, Side, 0, needed=new)
        commands["order_type"] = np.where(new, order_types, 0)
        commands["time_in_force"] = self._codes("time_in_force", TIMES, TimeInForce, TimeInForce.GTC)
        for name, bit in INSTRUCTIONS.items():
            commands["instructions"] |= np.uint8(bit) * self._codes(name, FLAGS, None, False)
        commands["flags"] = self._codes("self_trade", MODES, SelfTrade, 0)
        commands["price"] = self._prices("price", unit, (new | replace) & ~np.isin(order_types, UNPRICED))
        commands["quantity"] = self._whole("quantity", 0, needed=new | replace | (kinds == REDUCE), smallest=1)
        if new.all() and not self._has_column("order_id"):
            commands["order_id"] = np.arange(1, len(commands) + 1)
        else:
            by_id = ~np.isin(kinds, TO_NO_ORDER)
            commands["order_id"] = self._whole("order_id", 0, needed=by_id)
        commands["owner"] = self._whole("owner", 0)
        commands["instrument"] = self._whole("instrument", instrument)
        commands["timestamp"] = self._times("timestamp")
        return self._extended(commands, unit, new | (kinds == REPLACE))

    def _extended(self, commands: Any, unit: Decimal | None, able: Any) -> Any:
        """The commands with extensions after those that have one. ``able``: which can."""
        given = np.zeros(len(commands), bool)
        for name in EXTENDING:
            if (found := self._column(name, None)) is not None:
                given |= ~found[1] & able
        if not given.any():
            return commands
        rows = np.zeros(len(commands), ORDER_EXTENSION)
        rows["type"] = CommandType.ORDER_EXTENSION
        for name in ("sequence", "timestamp", "session", "length"):
            rows[name] = commands[name]
        rows["trigger_price"] = self._prices("trigger_price", unit, None)
        rows["protection"] = self._points(unit)
        rows["expiry_ns"] = self._times("expiry")
        for name in ("display_quantity", "minimum_quantity"):
            rows[name] = self._whole(name, 0)
        commands["instructions"][given] |= np.uint8(Instruction.EXTENDED)
        return np.insert(commands, np.flatnonzero(given) + 1, rows[given].view(COMMAND))

    def _points(self, unit: Decimal | None) -> Any:
        points = self._prices("protection", unit, None)
        if (bad := (points < 0) | (points > LARGEST_PROTECTION)).any():
            row = int(bad.argmax())
            raise self._error("protection", row, f"{points[row]} ticks are not from 0 to {LARGEST_PROTECTION}")
        return points

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

    def _prices(self, name: str, unit: Decimal | None, needed: Any | None) -> Any:
        found = self._column(name, needed)
        if found is None:
            return np.zeros(len(self._frame), np.int64)
        column, null = found
        numeric = column.dtype.is_integer() or column.dtype.is_float()
        values = _numbers(column, null) if numeric else np.array(column.to_list(), object)
        used = ~null if needed is None else ~null & needed
        return to_ticks(values, unit or Decimal(1), used, lambda row, error: self._error(name, row, error))

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

    def _times(self, name: str) -> Any:
        """A column of times in ns."""
        found = self._column(name, None)
        if found is None:
            return 0
        column, null = found
        if null.all():
            return 0
        if column.dtype.is_temporal():
            values = np.zeros(len(null), np.int64)
            values[~null] = column.drop_nulls().dt.timestamp("ns").to_numpy()  # with nulls, pandas makes floats of them
        elif column.dtype.is_integer():
            values = _numbers(column, null)
        else:
            raise InvalidFrame(
                f"column {self._names[name]!r} has the type {column.dtype}: give times, or whole ns since 1970"
            )
        if (values < 0).any():
            row = int((values < 0).argmax())
            raise self._error(name, row, f"{values[row].item()} ns is before 1970")
        return values.astype(np.uint64)


def _numbers(column: Any, null: Any) -> Any:
    """The numbers of a column as an array, 0 where they are null."""
    values = column.fill_null(0).to_numpy() if null.any() and not column.dtype.is_float() else column.to_numpy()
    if values.dtype == object:  # whole numbers of pandas that may be null
        values = np.array(values.tolist())
    return np.where(null, 0, values).astype(values.dtype) if null.any() else values


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeio" else f"a {name}"
