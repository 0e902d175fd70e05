"""``tape.read``: the events of every kind of file as a frame."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("narwhals", reason="needs the package narwhals: pip install '.[frames]'")

from pricetime import tape
from pricetime.errors import InvalidSetting
from pricetime.frames import commands_from_frame
from pricetime.tape import flow
from pricetime.tape.command_file import write_commands
from pricetime.tape.file import TapeError
from pricetime.tape.outcome import TapeTrade, Verdict
from pricetime.types import Side
from tests.frames.libraries import each_library, rows

LARGE = 2**64 - 1

DATABENTO = """\
ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,sequence
1,1703426405243925307,160,1,5,A,B,4799.25,2,0,6412777162812,128,0,682
1,1703426405243925308,160,1,6,T,N,,3,0,0,128,0,683
"""
LOBSTER = "34200.004241176,1,16113575,18,5853300,1\n34200.5,4,16113575,8,5853300,1\n"


@each_library
def test_databento(library: str, tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    file.write_text(DATABENTO)
    found = rows(tape.read(file, native=library))
    assert str(found.pop("time")[0]).startswith("2023-12-24 14:00:05.243925")
    assert found == {
        "sequence": [682, 683],
        "instrument": [5, 6],
        "action": ["add", "trade"],
        "side": ["bid", None],
        "order_id": [6412777162812, 0],
        "price": [4799.25, None],
        "quantity": [2, 3],
    }
    assert rows(tape.read(file, instrument=6, native=library))["sequence"] == [683]


@each_library
def test_lobster(library: str, tmp_path: Path) -> None:
    file = tmp_path / "AAPL_message_1.csv"
    file.write_text(LOBSTER)
    found = rows(tape.read(file, native=library))
    assert found["time"][1] == timedelta(hours=9, minutes=30, seconds=0.5)
    assert (found["action"], found["side"]) == (["new", "execution"], ["bid", "bid"])
    assert (found["price"], found["quantity"], found["sequence"]) == ([585.33, 585.33], [18, 8], [1, 2])
    with pytest.raises(TapeError, match="has one instrument only"):
        tape.read(file, instrument=1, native=library)


@each_library
@pytest.mark.parametrize("suffix", ["npy", "csv", "parquet"])
def test_commands_come_back(library: str, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("polars", reason="writes CSV and Parquet")
    wrote = np.concatenate([*flow.prelude("balanced", seed=1), *flow.generate("balanced", 1000, seed=1)])[-2000:]
    file = tmp_path / f"commands.{suffix}"
    write_commands(file, [wrote], len(wrote))
    read = tape.read(file, native=library)
    again = commands_from_frame(read)
    for name in ("type", "order_id", "side", "price", "quantity", "time_in_force", "owner", "timestamp"):
        used = wrote["type"] == 1 if name in {"side", "price", "time_in_force"} else slice(None)
        assert np.array_equal(again[name][used], wrote[name][used]), name
    assert len(rows(tape.read(file, instrument=5, native=library))["type"]) == 0


@each_library
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_what_a_replay_wrote(library: str, suffix: str, tmp_path: Path) -> None:
    pytest.importorskip("polars", reason="writes CSV and Parquet")
    from pricetime.tape.export import Recorder

    recorder = Recorder()
    recorder.top(5, [(100, 2, 1)], [])
    recorder.trade(TapeTrade(5, 1, LARGE, Side.BID, 100, 2, ((LARGE - 1, 2),)), Verdict.EXACT)
    for path in recorder.write(tmp_path / "day", suffix, 100):
        found = rows(tape.read(path, native=library))
        assert "time_ns" in found
        assert found.get("maker_id", [LARGE - 1]) == [LARGE - 1]
        with pytest.raises(InvalidSetting, match="has no column for it"):
            tape.read(path, instrument=1, native=library)
    assert (found["time_ns"], [float(price) for price in found["bid"]], found["ask"]) == ([5], [1.0], [None])


def test_what_is_no_tape(tmp_path: Path) -> None:
    file = tmp_path / "tape"
    with pytest.raises(TapeError, match="No such file"):
        tape.read(file)
    file.write_text("hello")
    with pytest.raises(TapeError, match="unknown format"):
        tape.read(file)
    np.save(file.with_suffix(".npy"), np.arange(3))
    with pytest.raises(TapeError, match="holds an array of int64: commands have the dtype"):
        tape.read(file.with_suffix(".npy"))
    with pytest.raises(InvalidSetting, match="native 'excel'"):
        tape.read(file, native="excel")


def test_a_real_session(real_data: Path) -> None:
    pytest.importorskip("databento_dbn")
    found: Any = tape.read(real_data / "esh4-glbx-mdp3-20231225.mbo.dbn.zst", native="polars")
    assert found["time"][0] == datetime(2023, 12, 24, 13, 0, 5, 243925)
    assert set(found["action"]) <= {"add", "cancel", "modify", "clear", "trade", "fill"}
