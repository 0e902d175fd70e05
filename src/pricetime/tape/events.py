"""``read``: the events of a tape as a frame of polars, pandas or PyArrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InvalidSetting
from ..extras import require
from ..frames.native import PURPOSE, Nullable, frame_of, library, names_of, narwhals
from ..frames.reports import SIDES
from ..types import COMMAND, CommandType, OrderType, TimeInForce
from . import databento, lobster
from .databento_csv import NO_PRICE
from .file import TapeError, head_of
from .formats import Format, detect
from .mbo import ADD, ASK, BID, CANCEL, CLEAR, FILL, MBO, MODIFY, TRADE

PARQUET_MAGIC, NPY_MAGIC = b"PAR1", b"\x93NUMPY"

#: What a CSV file of commands begins with, and one that a replay wrote.
COMMAND_HEADER, REPLAY_HEADER = b"sequence,timestamp,session,", b"time_ns,"

ACTIONS = {ord(letter): name for letter, name in {
    ADD: "add", CANCEL: "cancel", MODIFY: "modify", CLEAR: "clear", TRADE: "trade", FILL: "fill",
}.items()}  # fmt: skip
MBO_SIDES = {ord(BID): "bid", ord(ASK): "ask"}
KINDS = {int(kind): kind.name.lower() for kind in lobster.Kind}
TYPES = {int(kind): kind.name.lower() for kind in CommandType}
ORDER_TYPES = {int(kind): kind.name.lower() for kind in OrderType}
TIMES_IN_FORCE = {int(tif): tif.name.lower() for tif in TimeInForce}


def read(path: str | Path, *, instrument: int | None = None, native: str | None = None) -> Any:
    """The events of a tape as a frame, one row each, in the order of the file.

    ``path``: a tape of Databento (schema mbo: DBN, or CSV), a LOBSTER message file, or a file that pricetime wrote:
    commands (.npy, .csv, .parquet), or the trades or top of book of a replay (.csv, .parquet). ``instrument``: keep
    only the events of this id. ``native``: polars, pandas or pyarrow; by default the first of these that is installed.

    A tape has the columns time (UTC of Databento, since midnight of LOBSTER, to the nanosecond), sequence (the
    exchange's number, or the line of the file), instrument (not of LOBSTER), action, side (null without one), order_id,
    price (currency, null without one) and quantity. A file of commands has the fields of ``pricetime.COMMAND``, prices
    in ticks. All events are in memory at once; ``formats.open_replay`` streams. Raises TapeError, InvalidSetting and
    MissingExtra. O(events).
    """
    path = Path(path)
    library(native)  # before the work, not after it
    head = head_of(path)
    if head.startswith(PARQUET_MAGIC):
        return _own(narwhals().read_parquet(str(path), backend=library(native)), instrument, native)
    if head.startswith(NPY_MAGIC):
        return _own_array(path, np.load(path), instrument, native)
    if head.startswith(COMMAND_HEADER):
        commands = np.loadtxt(path, COMMAND, delimiter=",", skiprows=1, ndmin=1)
        return _own_array(path, commands, instrument, native)
    if head.startswith(REPLAY_HEADER):
        return _own(_read_csv(path, head, library(native)), instrument, native)
    if detect(path) is Format.DATABENTO:
        return frame_of(_databento(path, instrument), native)
    if instrument is not None:
        raise TapeError(f"{path}: a LOBSTER tape has one instrument only, and does not name it")
    return frame_of(_lobster(path), native)


def _databento(path: Path, instrument: int | None) -> dict[str, Any]:
    chunks: Iterator[Any] = databento.read(path)
    if instrument is not None:
        chunks = (chunk[chunk["instrument_id"] == instrument] for chunk in chunks)
    records = np.concatenate([np.empty(0, MBO), *chunks])
    return {
        "time": records["ts_event"].astype("datetime64[ns]"),
        "sequence": records["sequence"],
        "instrument": records["instrument_id"],
        "action": names_of(_letters(records["action"]), ACTIONS),
        "side": names_of(_letters(records["side"]), MBO_SIDES),
        "order_id": records["order_id"],
        "price": Nullable(records["price"] / databento.PRICE_SCALE, records["price"] == NO_PRICE),
        "quantity": records["size"],
    }


def _letters(column: Any) -> Any:
    return np.ascontiguousarray(column).view(np.uint8)


def _lobster(path: Path) -> dict[str, Any]:
    blocks = list(lobster.messages(path))
    names = lobster.Messages._fields
    found = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}
    return {
        "time": found["time_ns"].astype("timedelta64[ns]"),
        "sequence": found["line"],
        "action": names_of(found["kind"], KINDS),
        "side": names_of(found["side"], SIDES),
        "order_id": found["order_id"],
        "price": found["price"] / lobster.PRICE_SCALE,
        "quantity": found["size"],
    }


def _read_csv(path: Path, head: bytes, backend: str) -> Any:
    """What a replay wrote. Ids need all 64 bits, which no library expects in a CSV file."""
    ids = {"taker_id", "maker_id"} & set(head.split(b"\n", 1)[0].decode("ascii", "replace").split(","))
    options: dict[str, Any] = {}
    if backend == "polars":
        options["schema_overrides"] = dict.fromkeys(ids, require("polars", "frames", PURPOSE).UInt64)
    elif backend == "pyarrow":
        arrow = require("pyarrow", "frames", PURPOSE)
        csv = require("pyarrow.csv", "frames", PURPOSE)
        options["convert_options"] = csv.ConvertOptions(column_types=dict.fromkeys(ids, arrow.uint64()))
    return narwhals().read_csv(str(path), backend=backend, **options)


def _own_array(path: Path, commands: Any, instrument: int | None, native: str | None) -> Any:
    if commands.dtype != COMMAND:
        raise TapeError(f"{path}: holds an array of {commands.dtype}: commands have the dtype pricetime.COMMAND")
    columns = {name: commands[name] for name in COMMAND.names or ()}
    return _own(narwhals().from_native(frame_of(columns, native)), instrument, native)


def _own(frame: Any, instrument: int | None, native: str | None) -> Any:
    """A frame of a file that pricetime wrote, with words for the numbers of commands."""
    nw = narwhals()
    if instrument is not None:
        if "instrument" not in frame.columns:
            raise InvalidSetting(f"instrument {instrument} is given, and this file has no column for it")
        frame = frame.filter(nw.col("instrument") == instrument)
    if tuple(frame.columns) != COMMAND.names:
        return frame.to_native()
    words = {"type": TYPES, "side": SIDES, "order_type": ORDER_TYPES, "time_in_force": TIMES_IN_FORCE}
    kinds = {name: COMMAND[name].name.replace("int", "Int").replace("uI", "UI") for name in frame.columns}
    columns = {name: frame[name].cast(getattr(nw, kind)).to_numpy() for name, kind in kinds.items()}
    return frame_of(columns | {name: names_of(columns[name], known) for name, known in words.items()}, native)
