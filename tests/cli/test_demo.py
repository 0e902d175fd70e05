import importlib
from pathlib import Path

import numpy as np
import pytest

from pricetime import OrderBook
from pricetime.cli import synthetic
from pricetime.tape.flow import generate
from pricetime.types import REPORT
from tests.cli.run import bad, figures, good

demo = importlib.import_module("pricetime.cli.demo")  # the package has the command of that name


@pytest.fixture
def short_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "PRESET", "cancel-heavy")
    monkeypatch.setattr(synthetic, "COUNT", 6_000)
    monkeypatch.setattr(synthetic, "CHUNK", 2_000)
    monkeypatch.setattr("pricetime.cli.day.CONTINUOUS", 200)


def test_the_real_session(real_data: Path) -> None:
    pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install '.[tape]'")
    text = good("demo", "--data", real_data)
    assert text.startswith("A day at an exchange, in a book and in the reference book.")
    assert f"\n{demo.TAPE}" in text
    assert "trades compared" in text
    assert figures(text)["trades compared"] == "2,972"
    assert "2,972   100.00 %" in text
    assert figures(text)["same orders and quantities, with the hidden lots of inferred icebergs"] == "27"


def test_where_the_tape_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, short_day: None) -> None:
    monkeypatch.setenv("PRICETIME_DATA", str(tmp_path))
    assert f"There is no tape at {tmp_path / demo.TAPE}, so this is a synthetic day." in good("demo")
    monkeypatch.delenv("PRICETIME_DATA")
    monkeypatch.setattr(demo, "folder", lambda: tmp_path / "other")
    assert f"{tmp_path / 'other' / demo.TAPE}, so" in good("demo")


def test_the_folder_of_the_tape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a checkout; for an installed package the current folder."""
    package = tmp_path / "checkout" / "src" / "pricetime"
    monkeypatch.chdir(tmp_path)
    assert demo.folder(package) == tmp_path
    package.mkdir(parents=True)
    (tmp_path / "checkout" / "pyproject.toml").touch()
    assert demo.folder(package) == tmp_path / "shared" / "data"


def test_a_synthetic_day(tmp_path: Path, short_day: None) -> None:
    text = good("demo", "--data", tmp_path, "--seed", "4")
    assert text.startswith("A day at an exchange, in a book and in the reference book.")
    assert "Both books have made the same" in text
    assert "synthetic day (cancel-heavy, seed 4), through OrderBook" in text
    found = figures(text)
    assert found["commands checked against the reference book"] == "4,000"  # 2,000 that fill the book, 2,000 after them
    assert found["further commands"] == "4,000"
    assert int(found["orders resting at the end"].replace(",", "")) > 1_000


def test_a_disagreement_ends_the_demo(tmp_path: Path, short_day: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "apply_to_reference", lambda oracle, chunk, first: np.zeros(1))
    assert "reports from number 1 on differ from those of the reference book" in bad("demo", "--data", tmp_path)


def test_a_disagreement_in_the_day_ends_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.cli.day_book.apply_to_reference", lambda *_, **__: np.zeros(1, REPORT))
    assert "reports from number 1 on differ from those of the reference book" in bad("demo", "--data", tmp_path)


def test_a_book_that_differs_is_found_though_its_reports_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.reference.ReferenceBook.digest", lambda book: 0)
    with pytest.raises(synthetic.Disagreement, match=r"after \d+ equal reports the books differ"):
        synthetic.check(OrderBook(), list(generate("cancel-heavy", 100)))
