from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pricetime import COMMAND
from pricetime.errors import InvalidSetting
from pricetime.tape.command_file import Commands, write_commands
from pricetime.tape.flow import generate

COUNT = 2_500


def chunks() -> Iterator[Commands]:
    return generate("balanced", COUNT, seed=3, chunk=1_000)


def whole() -> Commands:
    return np.concatenate(list(chunks()))


def test_npy_is_what_numpy_loads_and_a_book_takes(tmp_path: Path) -> None:
    path = tmp_path / "flow.npy"
    write_commands(path, chunks(), COUNT)
    loaded = np.load(path)
    assert loaded.dtype == COMMAND
    assert np.array_equal(loaded, whole())


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_columns_hold_every_field(tmp_path: Path, suffix: str) -> None:
    pl = pytest.importorskip("polars", reason="needs polars: pip install '.[columnar]'")
    path = tmp_path / f"flow{suffix}"
    write_commands(path, chunks(), COUNT)
    frame = pl.read_csv(path, schema_overrides={"order_id": pl.UInt64}) if suffix == ".csv" else pl.read_parquet(path)
    assert frame.columns == list(COMMAND.names or ())
    for name in frame.columns:
        assert np.array_equal(frame[name].to_numpy(), whole()[name]), name


def test_an_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match=r"flow\.txt: the name must end in one of \.npy, \.csv, \.parquet"):
        write_commands(tmp_path / "flow.txt", chunks(), COUNT)


@pytest.mark.parametrize("suffix", [".npy", ".csv"])
def test_what_breaks_off_leaves_what_was_there(tmp_path: Path, suffix: str) -> None:
    if suffix == ".csv":
        pytest.importorskip("polars", reason="needs polars: pip install '.[columnar]'")

    def breaking() -> Iterator[Commands]:
        yield next(chunks())
        raise RuntimeError("out of orders")

    path = tmp_path / f"flow{suffix}"
    path.write_text("before")
    with pytest.raises(RuntimeError, match="out of orders"):
        write_commands(path, breaking(), COUNT)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
