import sys
from pathlib import Path

import pytest

from pricetime import PricetimeError
from pricetime.extras import MissingExtra, require
from pricetime.tape import databento
from pricetime.tape.command_file import write_commands
from pricetime.tape.export import Recorder


def test_what_is_there_is_imported() -> None:
    assert require("json", "any", "nothing") is __import__("json")


def test_a_missing_package_is_named_with_its_extra() -> None:
    with pytest.raises(
        MissingExtra, match=r"this needs the package no_such_package \(extra pricetime\[columnar\]\): pip"
    ):
        require("no_such_package", "columnar", "this")
    assert issubclass(MissingExtra, PricetimeError)


def test_reading_databento_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "databento_dbn", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[tape\]"):
        next(databento.read(tmp_path / "any.dbn"))


def test_writing_columns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[columnar\]"):
        Recorder().write(tmp_path / "any", "csv", 100)
    with pytest.raises(MissingExtra, match=r"pricetime\[columnar\]"):
        write_commands(tmp_path / "any.parquet", [], 0)
    assert list(tmp_path.iterdir()) == []
