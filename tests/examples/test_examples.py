"""Each example runs as its first lines say, and prints what it promises."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pricetime
from pricetime import ASK, BID, IOC
from pricetime.client.client import Client
from pricetime.load.server import ServerProcess

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    options = ("--open", "--no-prefault", "--order-capacity", "4096")
    with ServerProcess(*options) as started:
        yield started


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """An example on its own, in the form that is tested; a warning is an error."""
    strict = {"PYTHONWARNINGS": "error"} if pricetime.COMPILED else {"PRICETIME_PURE": "1"}
    command = [sys.executable, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | strict)


def lines_of(name: str, *arguments: object) -> list[str]:
    ran = run(name, *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_every_example_is_tested() -> None:
    assert {path.name for path in EXAMPLES.glob("*")} - {"__pycache__"} == {
        "auction_day.py",
        "client.py",
        "first_book.py",
        "many_instruments.py",
        "market_maker.py",
        "replay_tape.py",
        "subscriber.py",
    }


def test_auction_day() -> None:
    lines = lines_of("auction_day.py")
    assert re.fullmatch(r"auction at \d+: \d+ lots", lines[0])
    assert any(line.startswith("phase CONTINUOUS, best bid ") for line in lines)
    assert lines[-1].startswith("  why       the best ")


def test_first_book() -> None:
    lines = lines_of("first_book.py")
    assert lines[1:5] == [
        "     bid    price      ask",
        "              101       10",
        "              100       10",
        "       5       99",
    ]
    assert "  4 lots at 100 from order 2" in lines
    assert "  3 lots at 100 from order 3" in lines
    assert lines[-1] == "  UnknownOrder: no order 3 is resting: it was never added, or was filled or cancelled"


def test_many_instruments() -> None:
    lines = lines_of("many_instruments.py")
    assert " 3  ESH4      TRADE     order 2, 2 lots" in lines
    assert " 4  ESH4      REJECTED  order 3, 1 lots  INVALID_PRICE" in lines
    assert " 7  AAPL      CANCELLED order 1, 300 lots  SELF_TRADE" in lines
    assert " 9  no. 9     REJECTED  order 1, 1 lots  UNKNOWN_INSTRUMENT" in lines
    assert lines[-3:] == [
        "ESH4      1 orders, bid 475025, ask None",
        "AAPL      1 orders, bid 19250, ask None",
        "BTC-PERP  1 orders, bid 43000, ask None",
    ]


def test_replay_of_a_synthetic_day() -> None:
    lines = lines_of("replay_tape.py")
    assert lines[0] == "20,000 orders rest; 20,000 commands follow"
    counts = {kind: int(count.replace(",", "")) for count, kind in (line.split() for line in lines[1:8])}
    assert set(counts) == {"accepted", "trade", "cancelled", "replaced", "reduced", "expired", "rejected"}
    assert counts["expired"] == 0
    assert min(count for kind, count in counts.items() if kind != "expired") > 0


def test_replay_of_a_tape(tmp_path: Path) -> None:
    messages = ["34200.0,1,7,30,1000000,-1", "34200.1,1,8,20,1000000,-1", "34200.2,4,7,10,1000000,-1"]
    tape = tmp_path / "message.csv"
    tape.write_text("\n".join([*messages, "34200.3,4,8,20,1000000,-1\n"]))
    lines = lines_of("replay_tape.py", tape)
    assert lines[0] == "2 trades of the tape, 1 of them matched exactly"  # the second is out of turn
    assert "        1  the book takes other orders or quantities" in lines


def test_replay_of_a_real_tape(real_data: Path) -> None:
    tapes = sorted(real_data.rglob("AAPL*_message_10.csv*"))
    if not tapes:
        pytest.skip("no LOBSTER sample among the real tapes")
    assert lines_of("replay_tape.py", tapes[0])[0] == "98 trades of the tape, 98 of them matched exactly"


@pytest.mark.parametrize("content", [None, "", "no tape at all\n"])
def test_what_is_no_tape_is_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "message.csv"
    if content is not None:
        path.write_text(content)
    ran = run("replay_tape.py", path)
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert str(path) in ran.stderr


def start(name: str, server: ServerProcess, *arguments: object) -> subprocess.Popen[str]:
    """An example that follows the feed of a server."""
    command = [
        sys.executable,
        "-u",
        str(EXAMPLES / name),
        "--feed-group",
        server.group,
        "--recovery-port",
        str(server.recovery[1]),
    ]
    return subprocess.Popen(
        [*command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    )


def interrupted(process: subprocess.Popen[str], last: Callable[[str], bool]) -> list[str]:
    """All its lines; Ctrl-C is pressed after the line that is meant."""
    lines: list[str] = []
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if last(line.rstrip()) and not any(map(last, lines)):
                process.send_signal(signal.SIGINT)
            lines.append(line.rstrip("\n"))
    return lines


@pytest.mark.compiled
def test_client(server: ServerProcess) -> None:
    lines = lines_of("client.py", "--port", server.port, "--orders", 15_000)
    assert lines[0].startswith("OrderResult(RESTING: ACCEPTED bid 5@100, order 1, ")
    assert lines[1].startswith("OrderResult(CANCELLED: ACCEPTED bid 5@99, order 2, ")
    assert lines[2].startswith("UnknownOrder: the exchange refused")
    assert lines[3] == "15,000 accepted, 15,000 cancelled"
    assert lines[4].endswith(" commands/s")
    assert lines[5].startswith("REDUCED bid 1@101, order 1")
    assert lines[6:] == ["1 orders cancelled"]


@pytest.mark.compiled
def test_subscriber(server: ServerProcess) -> None:
    with Client(server.host, server.port, owner=1) as client:
        client.add_order(1, BID, 99, 5)
        client.add_order(2, ASK, 101, 7).result(10)
        watching = start("subscriber.py", server, "--feed-port", server.feed_port)
        client.add_order(3, BID, 98, 4).result(10)
        lines = interrupted(watching, lambda line: line == "DEMO at report 3, continuous")
    assert watching.returncode == 0, lines
    assert any(line.startswith("-- snapshot: all books at report ") for line in lines)
    at = len(lines) - 1 - lines[::-1].index("DEMO at report 3, continuous")
    assert [line.split() for line in lines[at + 1 : at + 4]] == [["101", "7"], ["5", "99"], ["4", "98"]]
    assert lines[-2].endswith(", 1 snapshots")
    assert lines[-1].endswith(", 0 late")


@pytest.mark.compiled
def test_market_maker(server: ServerProcess) -> None:
    ports = "--port", server.port, "--feed-port", server.feed_port
    making = start("market_maker.py", server, *ports, "--price", 500)
    with Client(server.host, server.port, owner=2) as taker:
        bought = 0
        for order_id in range(1, 10_000):
            bought += taker.add_order(order_id, BID, 600, 1, time_in_force=IOC).result(10).filled
            if bought == 3:
                break
            time.sleep(0.02)  # until the maker quotes
        lines = interrupted(making, lambda line: line.endswith(", holding -3"))
        assert making.returncode == 0, lines
        assert lines[0] == "  sold 1 at 502, holding -1"
        assert len([line for line in lines if line.startswith("  sold 1 at ")]) == 3
        assert re.match(r"[12] quotes cancelled, 3 fills, holding -3, worth -?\d+ in all", lines[-1])
        assert taker.add_order(0, BID, 600, 1, time_in_force=IOC).result(10).filled == 0, "its quotes are gone"


@pytest.mark.compiled
def test_market_maker_without_an_exchange() -> None:
    ran = run("market_maker.py", "--port", 1)
    assert ran.returncode == 1
    assert ran.stderr.startswith("market_maker: cannot connect to 127.0.0.1:1")
