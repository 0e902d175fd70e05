import sys
from pathlib import Path

import pytest

from pricetime.tape.file import LINES
from pricetime.tape.lobster import MESSAGE
from tests.cli.run import bad, figures, good, run
from tests.tape.tapes import add, cancel, dbn_file, fill, lines_file, lobster_files, modify, trade

SNAPSHOT = [add("A", 1, 101, 3), add("A", 2, 101.5, 4), add("B", 11, 100, 3)]
EVENTS = [
    [trade("B", 99, 101, 2), fill("A", 1, 101, 2), modify("A", 1, 101, 1)],
    [cancel("A", 1, 101, 1)],
    [trade("B", 98, 101.5, 6), fill("A", 2, 101.5, 6), modify("A", 2, 101.5, 1)],
]
LOBSTER = [
    ("34200.5,1,5,4,1010000,-1", "1010000,4,990000,20"),
    ("34201,4,5,1,1010000,-1", "1010000,3,990000,20"),
]


@pytest.fixture
def databento(tmp_path: Path) -> Path:
    return dbn_file(tmp_path, EVENTS, snapshot=SNAPSHOT)


@pytest.fixture
def lobster(tmp_path: Path) -> Path:
    return lobster_files(tmp_path, LOBSTER)[0]


@pytest.mark.parametrize(("book", "name"), [("fast", "OrderBook"), ("reference", "ReferenceBook")])
def test_the_table_of_a_databento_tape(databento: Path, book: str, name: str) -> None:
    text = good("replay", databento, "--book", book)
    assert text.startswith(f"tape.mbo.dbn, through {name}")
    found = figures(text)
    assert found["records"] == "10"
    assert found["orders in the opening snapshot"] == "3"
    assert found["trades compared"] == "2"
    assert found["same orders and quantities, with the hidden lots of inferred icebergs"] == "1"
    assert "100.00 %" in text
    assert "throughput, records/s" in found


def test_the_orderbook_beside_a_lobster_tape_is_used(lobster: Path, tmp_path: Path) -> None:
    text = good("replay", lobster)
    assert text.startswith(f"{lobster.name} with X_2012-06-21_orderbook_1.csv, through")
    found = figures(text)
    assert found["rows with both sides compared"] == "1"
    assert found["of these, every level in view agrees"] == "1"
    assert found["exact executions that checked the order's id"] == "1"
    assert "opening book" not in text
    elsewhere = (tmp_path / "X_2012-06-21_orderbook_1.csv").rename(tmp_path / "rows.csv")
    assert "rows of" not in good("replay", lobster)
    assert good("replay", lobster, "--orderbook", elsewhere, "--format", "lobster").startswith(
        f"{lobster.name} with rows.csv"
    )


def test_a_lobster_pair_by_other_names(lobster: Path, tmp_path: Path) -> None:
    message = lobster.rename(tmp_path / "message.csv")
    (tmp_path / "X_2012-06-21_orderbook_1.csv").rename(tmp_path / "orderbook.csv")
    assert good("replay", message).startswith("message.csv with orderbook.csv, through")


def test_a_lobster_tape_without_its_orderbook_file_says_so(lobster: Path) -> None:
    lobster.with_name("X_2012-06-21_orderbook_1.csv").unlink()
    last = good("replay", lobster).splitlines()[-1]
    assert last.startswith("warning: the opening book is missing: the orders that rest before")
    assert "Give the orderbook file (LOBSTER calls it X_2012-06-21_orderbook_1.csv) with --orderbook" in last


def test_lines_that_cannot_be_used_are_named_and_counted(tmp_path: Path) -> None:
    lines = [LOBSTER[0][0], *["bad"] * 12, LOBSTER[1][0]]
    path = lines_file(tmp_path / "m.csv", lines)
    text = good("replay", path)
    assert figures(text)["skipped because they cannot be used"] == "12"
    assert f"skipped: {path}, line 2: 'bad' is not {MESSAGE}\n" in text
    assert "skipped: 2 more\n" in text
    assert "direction 1 or -1; 11 before it were skipped" in bad("replay", path, "--max-skipped", "11")
    assert "line 2: 'bad' is not a message" in bad("replay", path, "--max-skipped", "0")


def test_the_ladder_is_shown_even_if_the_tape_is_damaged_later_on(tmp_path: Path) -> None:
    new = [f"{34200 + number},1,{number},1,1010000,-1" for number in range(LINES)]
    result = run("replay", lines_file(tmp_path / "m.csv", [*new, "bad"]), "--at", "34200", "--max-skipped", "0")
    assert result.exit_code == 1
    assert "101.00" in result.output
    assert f"line {LINES + 1}: 'bad' is not a message" in result.output


def test_an_instrument_that_the_tape_does_not_hold(databento: Path) -> None:
    for more in ([], ["--at", "00:00:01"]):
        message = bad("replay", databento, "--instrument", "5", *more, code=2)
        assert message == f"Error: Invalid value for --instrument: {databento}: has no record of instrument 5: it has 7"


def test_the_ladder_at_a_moment(databento: Path, lobster: Path) -> None:
    lines = [line.split() for line in good("replay", databento, "--at", "00:00:01").splitlines()]
    assert ["2023-12-25", "00:00:01.000000000"] in lines
    assert ["orders", "quantity", "bid", "ask", "quantity", "orders"] in lines
    assert ["1", "3", "100.00", "101.00", "1", "1"] in lines
    assert ["101.50", "4", "1"] in lines
    one_level = good("replay", databento, "--at", "2023-12-25T00:00:01", "--levels", "1")
    assert "101.00" in one_level
    assert "101.50" not in one_level
    assert ["1", "20", "99.00", "101.00", "4", "1"] in [
        line.split() for line in good("replay", lobster, "--at", "34200.5").splitlines()
    ]


def test_a_replay_goes_on_after_the_ladder(databento: Path) -> None:
    assert figures(good("replay", databento, "--at", "00:00:01"))["records"] == "10"


def test_differences_are_listed_with_their_reason(databento: Path) -> None:
    text = good("replay", databento, "--differences")
    assert "same orders and quantities, with the hidden lots of inferred icebergs (1)" in text
    assert "2023-12-25 00:00:03.000000000  number 3: order 98 buys 6 at 101.50\n" in text
    assert "    tape  6 of 2\n    book  4 of 2, 2 of 2\n" in text


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_columns_in_files(databento: Path, tmp_path: Path, file_format: str) -> None:
    pl = pytest.importorskip("polars", reason="needs polars: pip install '.[columnar]'")
    text = good("replay", databento, f"--{file_format}", tmp_path / "out")
    trades, top = tmp_path / f"out.trades.{file_format}", tmp_path / f"out.top.{file_format}"
    assert f"wrote {trades}\nwrote {top}\n" in text
    read = pl.read_csv if file_format == "csv" else pl.read_parquet
    assert read(trades)["verdict"].to_list() == ["exact", "inferred"]
    assert [float(price) for price in read(trades)["price"]] == [101, 101.5]
    assert read(top)["ask_quantity"].to_list()[-3:] == [1, 4, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "noon"], "Error: Invalid value for --at: time 'noon' is invalid: give"),
        (["--book", "quick"], "'quick' is not one of 'fast', 'reference'"),
        (["--orderbook", "none.csv"], "File 'none.csv' does not exist"),
        (["--levels", "0"], "0 is not in the range x>=1"),
    ],
)
def test_what_is_asked_for_wrongly(databento: Path, arguments: list[str], message: str) -> None:
    assert message in bad("replay", databento, *arguments, code=2)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in bad("replay", tmp_path / "none.dbn", code=2)


def test_a_damaged_file(databento: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.dbn"
    cut.write_bytes(databento.read_bytes()[:-5])
    assert bad("replay", cut) == f"Error: {cut}: the file ends within record 10: it may be truncated"
    odd = tmp_path / "odd.bin"
    odd.write_bytes(b"\x00\x01")
    assert "unknown format" in bad("replay", odd)


def test_a_format_that_does_not_fit(databento: Path) -> None:
    assert "a message has 6" in bad("replay", databento, "--format", "lobster")


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("databento_dbn", [], "reading Databento files needs the package databento_dbn (extra pricetime[tape]): pip"),
        (
            "polars",
            ["--csv", "out"],
            "writing CSV and Parquet needs the package polars (extra pricetime[columnar]): pip",
        ),
    ],
)
def test_a_missing_extra(
    databento: Path, monkeypatch: pytest.MonkeyPatch, module: str, arguments: list[str], message: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert bad("replay", databento, *arguments).startswith(f"Error: {message}")


@pytest.mark.parametrize(
    ("price", "scale", "text"),
    [
        (4_800_250_000_000, 10**9, "4,800.25"),
        (5, 10**9, "0.000000005"),
        (-2_500, 10_000, "-0.25"),
        (1_230_000, 10_000, "123.00"),
        (0, 10_000, "0.00"),
    ],
)
def test_prices_as_people_write_them(price: int, scale: int, text: str) -> None:
    from pricetime.cli.show import price_text

    assert price_text(price, scale) == text
