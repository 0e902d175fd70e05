from pathlib import Path

import numpy as np
import pytest

from pricetime import OrderBook
from pricetime.tape.flow import PRESETS, generate, prelude
from tests.cli.run import bad, good


def test_a_file_that_goes_straight_into_a_book(tmp_path: Path) -> None:
    path = tmp_path / "flow.npy"
    said = good("generate", "cancel-heavy", "-n", "5000", "--seed", "7", "--out", path)
    assert said == f"{path}: 5,000 commands after 2,000 that fill the book\n"
    commands = np.load(path)
    made = [*prelude("cancel-heavy", seed=7), *generate("cancel-heavy", 5000, seed=7)]
    assert np.array_equal(commands, np.concatenate(made))
    book = OrderBook()
    book.apply(commands)
    assert len(book) > 1000


def test_without_the_orders_that_fill_the_book(tmp_path: Path) -> None:
    path = tmp_path / "flow.npy"
    assert good("generate", "cancel-heavy", "-n", "500", "--no-prelude", "-o", path) == f"{path}: 500 commands\n"
    assert np.array_equal(np.load(path), next(generate("cancel-heavy", 500)))


def test_list_names_every_preset() -> None:
    lines = good("generate", "--list").splitlines()
    assert [line.split()[0] for line in lines] == list(PRESETS)


def test_what_cannot_be_generated(tmp_path: Path) -> None:
    assert "no flow is called 'calm': the presets are balanced," in bad("generate", "calm", "-o", tmp_path / "x.npy")
    assert "must end in one of .npy, .csv, .parquet" in bad("generate", "sweep", "-n", "9", "-o", tmp_path / "x.txt")
    assert "Missing option" in bad("generate", "sweep", code=2)
    assert "0 is not in the range" in bad("generate", "sweep", "-n", "0", "-o", tmp_path / "x.npy", code=2)
    assert list(tmp_path.iterdir()) == []


def test_without_polars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "polars", None)
    said = bad("generate", "cancel-heavy", "-n", "10", "-o", tmp_path / "x.parquet")
    assert (
        said
        == "Error: writing Parquet needs the package polars (extra pricetime[columnar]): pip install 'polars>=1.30'"
    )
    assert list(tmp_path.iterdir()) == []
