import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("hdrh.histogram", reason="needs hdrhistogram: pip install '.[measure]'")

from pricetime.cli.load_progress import Plain, Progress
from pricetime.cli.load_show import us, with_unit
from pricetime.exchange.control import secrets
from pricetime.load.run_file import Moment
from pricetime.native import hlog
from pricetime.native.histogram import Histogram
from tests.cli.run import bad, figures, run
from tests.cli.served import Served, served
from tests.load.stub import Stub, answer
from tests.load.test_record import SCHEMA, check
from tests.tape.tapes import add, cancel, dbn_file, fill, modify, trade

pytestmark = pytest.mark.compiled

ROOM = ("--order-capacity", "65536")


@pytest.fixture(scope="module")
def exchange() -> Iterator[Served]:
    with served("--open", *ROOM) as running:
        yield running


def measured(exchange: Served, *arguments: str | Path) -> str:
    """What a run prints that is made to its end; a busy machine may keep it from its rate."""
    result = run("load", *exchange.load, *arguments)
    assert result.exit_code in {0, 1}, result.output
    return result.output


def test_a_run(exchange: Served, tmp_path: Path) -> None:
    out = tmp_path / "run"
    text = measured(exchange, "--rate", "10000", "--seconds", "0.6", "--sessions", "3", "--out", out)
    found = figures(text)
    assert found["orders sent"] == found["answered"] == "6,000"
    assert found["asked for, orders/s"] == "10,000"
    assert "balanced to 127.0.0.1" in text
    assert f"wrote {out}.json and {out}.hlog" in text.replace("\n", "")
    record = json.loads((tmp_path / "run.json").read_text())
    check(record, SCHEMA)
    assert record["settings"]["sessions"] == 3
    assert record["result"]["complete"] is True
    kinds = record["latency_ns"]["round_trip"]
    assert kinds["all"]["count"] == sum(kinds[kind]["count"] for kind in kinds if kind != "all") == 6_000
    assert sum(interval["answered"] for interval in record["over_time"]) == 6_000
    assert {tag: of.count for tag, of in hlog.read(tmp_path / "run.hlog").items()} == {
        f"round_trip.{kind}": kinds[kind]["count"] for kind in kinds if kind != "all"
    }


def test_a_ramp(exchange: Served, tmp_path: Path) -> None:
    measured(exchange, "--ramp", "1000:9000", "--seconds", "0.5", "--out", tmp_path / "run")
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["result"]["sent"] == 2_500
    assert record["settings"]["ramp"] == [1000, 9000]
    assert record["settings"]["rate"] is None


def test_as_fast_as_it_goes(exchange: Served) -> None:
    found = figures(measured(exchange, "--rate", "0", "--seconds", "0.02"))
    assert found["asked for, orders/s"] == "as fast as possible"
    assert found["orders sent"] == "20,000"


def test_a_search(exchange: Served, tmp_path: Path) -> None:
    arguments = (
        "--saturate",
        "--rate",
        "2000",
        "--seconds",
        "0.1",
        "--limit-p99-us",
        "0.001",
        "--out",
        tmp_path / "run",
    )
    text = measured(exchange, *arguments)
    found = json.loads((tmp_path / "run.json").read_text())["saturation"]
    assert found["limit_p99_ns"] == 1
    assert found["highest_rate"] == 0  # no exchange answers within a nanosecond
    assert len(found["steps"]) == 14
    assert text.count("bad") == 14
    assert figures(text)["highest rate with p99 within 0.0 us, orders/s"] == "none"
    assert run("load", *exchange.load, *arguments[:-2]).exit_code == 1


def test_a_tape(exchange: Served, tmp_path: Path) -> None:
    snapshot = [add("A", 1, 101, 3), add("A", 2, 101.5, 4), add("B", 11, 100, 3)]
    events = [
        [trade("B", 99, 101, 2), fill("A", 1, 101, 2), modify("A", 1, 101, 1)],
        [cancel("A", 1, 101, 1)],
    ]
    tape = dbn_file(tmp_path, events, snapshot=snapshot)
    arguments = ("--rate", "2000", "--seconds", "0.5", "--sessions", "1")  # several could overtake each other
    text = measured(exchange, "--tape", tape, *arguments, "--out", tmp_path / "run")
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["settings"]["tape"] == tape.name
    assert record["result"]["answered"] == 1_000
    assert record["latency_ns"]["round_trip"]["trades"]["count"] > 100
    assert record["latency_ns"]["round_trip"]["other"]["count"] == 0
    assert tape.name in text
    unknown = run("load", *exchange.load, "--tape", tape, "--tape-instrument", "5")
    assert unknown.exit_code == 2
    assert "has no record of instrument 5: it has 7" in unknown.output


def test_what_the_server_measured(exchange: Served, tmp_path: Path) -> None:
    inside = Histogram()
    inside.record_many([700])
    server = tmp_path / "server.hlog"
    hlog.write(server, {"match.rests": inside}, started_at=1, ended_at=2)
    arguments = ("--rate", "5000", "--seconds", "0.1", "--out", tmp_path / "run", "--server-latency")
    text = measured(exchange, *arguments, server)
    assert "match, in the server" in text
    assert json.loads((tmp_path / "run.json").read_text())["latency_ns"]["match"]["rests"]["max"] == 700
    (tmp_path / "run.json").unlink()
    line = bad("load", *exchange.load, *arguments, tmp_path / "none", code=2)
    assert "none: No such file or directory. The server writes this file when it stops. The run itself is saved" in line
    assert (tmp_path / "run.json").exists()


def test_owners_with_secrets(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    for owner in (7, 8):
        secrets.add(file, owner)
    arguments = ("--owner", "7", "--sessions", "2", "--rate", "5000", "--seconds", "0.1")
    with served("--secrets-file", str(file), *ROOM) as exchange:
        assert figures(measured(exchange, *arguments, "--secrets-file", file))["orders sent"] == "500"
        refused = bad("load", *exchange.load, *arguments, code=2)
        assert "refused the login of owner 7: BAD_CREDENTIALS: give an owner that the exchange knows" in refused
        line = bad("load", *exchange.load, *arguments, "--sessions", "3", "--secrets-file", file, code=2)
        assert f"1 of 3 owners have no secret in {file}, first 9: add them with pricetime secret" in line


def test_nobody_is_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    line = bad("load", "--port", str(port), "--out", tmp_path / "run", code=2)
    assert list(tmp_path.iterdir()) == []
    assert re.fullmatch(rf"Error: no exchange at 127.0.0.1:{port}: .*refused. Start one: pricetime serve --open", line)


def test_an_exchange_that_dies_in_the_middle(tmp_path: Path) -> None:
    def dies(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        if number == 12_000:
            connection.close()
        return answer(connection, number, kind, order_id)

    with Stub(dies) as stub:
        arguments = ("--port", str(stub.port), "--preset", "cancel-heavy", "--sessions", "1", "--rate", "20000")
        result = run("load", *arguments, "--seconds", "2", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith("Error: owner 1: the ")
    record = json.loads((tmp_path / "run.json").read_text())
    check(record, SCHEMA)
    assert record["result"]["complete"] is False
    assert record["result"]["failure"] == result.output.splitlines()[-1].removeprefix("Error: ")
    assert 0 < record["result"]["answered"] < 12_000
    assert record["latency_ns"]["round_trip"]["all"]["count"] == record["result"]["answered"]
    assert hlog.read(tmp_path / "run.hlog")


def test_a_rate_that_was_not_reached(tmp_path: Path) -> None:
    with Stub() as stub:
        arguments = ("--port", str(stub.port), "--preset", "cancel-heavy", "--sessions", "1", "--rate", "900000000")
        result = run("load", *arguments, "--seconds", "0.0003", "--out", tmp_path / "run")
    assert result.exit_code == 1, result.output
    found = figures(result.output)
    reached = float(found["RATE NOT REACHED, orders/s"].replace(",", ""))
    record = json.loads((tmp_path / "run.json").read_text())["result"]
    assert reached == pytest.approx(min(record["sent_per_s"], record["answered_per_s"]), abs=1)
    assert reached < 900_000_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--ramp", "5"), "'5' is not a ramp: give two rates, such as 1000:1000000"),
        (("--ramp", "0:5"), "both rates must be above 0"),
        (("--ramp", "1:2", "--rate", "5"), "--ramp and --rate exclude each other: give one of them"),
        (("--ramp", "1:2", "--saturate"), "--ramp and --saturate exclude each other: give one of them"),
        (("--saturate", "--rate", "0"), "--saturate begins at --rate: give a rate above 0"),
        (("--limit-p99-us", "5"), "--limit-p99-us needs --saturate: give both"),
        (("--tape-instrument", "5"), "--tape-instrument needs --tape: give both"),
        (("--server-latency", "x"), "--server-latency needs --out RUN: give both"),
        (("--owner", "65535", "--sessions", "2"), "the highest owner is 65535"),
        (("--cpu", "100000"), "this process may not use processor 100000: give --cpu one of 0"),
        (("--secrets-file", "/none"), "/none"),
    ],
)
def test_options_that_cannot_be(arguments: tuple[str, ...], told: str) -> None:
    assert told in bad("load", "--port", "1", *arguments, code=2)


def test_where_nothing_can_be_written(exchange: Served, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = bad("load", *exchange.load, "--out", tmp_path / "file" / "run", code=2)
    assert line.endswith("Give a different --out")


def test_an_unknown_preset(exchange: Served) -> None:
    assert "'none'" in bad("load", *exchange.load, "--preset", "none", code=2)


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    look = Plain(10).add
    for number in range(1, 9):
        look(Moment(s=number / 4, sent=1000, answered=900, p50=10_000 * number, p99=20_000, max=30_000 + number))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "1.0 of 10 s: 4,000 orders/s sent, 3,600 answered, p50 40.0 us, p99 20.0 us, max 30.0 us"
    assert second.startswith("2.0 of 10 s: 4,000 orders/s sent, 3,600 answered, p50 80.0 us")


def test_a_line_that_changes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    with Progress().running(10) as look:
        look(Moment(s=0.25, sent=1000, answered=900, p50=10_000, p99=20_000, max=30_000))
    assert "0.2 of 10 s" in capsys.readouterr().err


def test_times() -> None:
    assert [us(value) for value in (0, 999, 123_456, 12_345_678)] == ["0.0", "1.0", "123.5", "12,346"]
    assert [with_unit(value) for value in (250, 9_994, 99_960, 999_600, 12_340_000, 1.5e9)] == [
        "0.25 us", "9.99 us", "100 us", "1.00 ms", "12.3 ms", "1.50 s",
    ]  # fmt: skip
