import io
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from decimal import Decimal

import numpy as np
from click.testing import CliRunner

from pricetime import ASK, BID, GTC, IOC, LIMIT, MARKET
from pricetime.cli import main
from pricetime.cli.order_file import OrdersError, read_orders
from pricetime.cli.words import command_line, line
from pricetime.exchange.control import secrets
from pricetime.load.server import free_udp_port
from pricetime.types import COMMAND, ORDER_EXTENSION, CommandType, Instruction, OrderType, Reason, ReportKind
from pricetime.wire.messages import ExecutionReport
from tests.cli.run import bad, good, run
from tests.cli.served import Served, served


@pytest.fixture(scope="module")
def exchange() -> Iterator[Served]:
    with served("--open") as running:
        yield running


def said(exchange: Served, *arguments: str, owner: int = 1) -> list[str]:
    """What comes back, without the sequences, which depend on the tests before."""
    result = run("order", *exchange.orders, "--owner", str(owner), *arguments)
    return [re.sub(r"^\d+ ", "", found) for found in result.output.splitlines()]


@pytest.mark.compiled
def test_the_life_of_an_order(exchange: Served) -> None:
    assert said(exchange, "add", "bid", "5@100", "--order-id", "1") == ["accepted instrument 1 order 1 bid 5 at 100"]
    assert said(exchange, "reduce", "1", "2") == ["reduced instrument 1 order 1 bid 2 at 100"]
    assert said(exchange, "replace", "1", "7@101") == ["replaced instrument 1 order 1 bid 7 at 101"]
    assert said(exchange, "cancel", "1") == ["cancelled instrument 1 order 1 bid 7 at 101"]


@pytest.mark.compiled
def test_what_is_rejected_ends_with_1(exchange: Served) -> None:
    result = run("order", *exchange.orders, "cancel", "77")
    assert result.exit_code == 1
    assert "rejected instrument 1 order 77 (unknown order)" in result.output
    assert run("order", *exchange.orders, "add", "bid", "5@100", "--instrument", "9").exit_code == 1


@pytest.mark.compiled
def test_trades(exchange: Served) -> None:
    said(exchange, "add", "ask", "5@110", "--order-id", "2")
    accepted, trade = said(exchange, "add", "bid", "3", "--order-id", "3", "--order-type", "market", owner=2)
    assert accepted == "accepted instrument 1 order 3 bid 3 at 0 (never rests)"
    assert re.fullmatch(r"trade instrument 1 order 3 with \d+ bid 3 at 110", trade)
    assert said(exchange, "mass-cancel", "--side", "bid")[-1].endswith(" bid 0 orders")
    cancelled, done = said(exchange, "mass-cancel")
    assert cancelled == "cancelled instrument 1 order 2 ask 2 at 110 (by mass cancel)"
    assert done.endswith(" 1 orders")


@pytest.mark.compiled
def test_orders_of_every_kind(exchange: Served) -> None:
    number = 40
    for arguments, answer in (
        (("5", "--order-type", "stop", "--trigger-price", "2000", "--protection", "3"), "5 at 0 (waits)"),
        (("5@2001", "--order-type", "stop-limit", "--trigger-price", "2000"), "5 at 2001 (waits)"),
        (("5@100", "--display-quantity", "2"), "5 at 100"),
        (("5@100", "--post-only"), "5 at 100"),
        (("5@100", "--time-in-force", "day"), "5 at 100"),
        (("5@100", "--time-in-force", "gtd", "--expiry", "2200-01-31T16:30"), "5 at 100"),
        (("5", "--order-type", "market", "--at-the-close"), "5 at 0 (waits)"),
        (("5@100", "--at-the-open"), "5 at 100 (waits)"),
    ):
        number += 1
        found = said(exchange, "add", "bid", *arguments, "--order-id", str(number), owner=3)
        assert found == [f"accepted instrument 1 order {number} bid {answer}"]
    for arguments, reason in (
        (("5", "--order-type", "stop"), "invalid trigger price"),
        (("5@100", "--display-quantity", "6"), "invalid display quantity"),
        (("5@100", "--time-in-force", "gtd", "--expiry", "2001-01-31"), "invalid expiry"),
        (("5@100", "--all-or-none"), "not supported"),
        (("5@100", "--time-in-force", "gfa"), "not in phase"),
        (("5@100", "--time-in-force", "fok", "--minimum-quantity", "2"), "invalid minimum quantity"),
        (("5@100", "--protection", "2"), "invalid protection"),
    ):
        found = said(exchange, "add", "bid", *arguments, "--order-id", "60", owner=3)
        assert found == [f"rejected instrument 1 order 60 bid ({reason})"]
    said(exchange, "mass-cancel", owner=3)


@pytest.mark.compiled
def test_a_stop_order_is_listed_replaced_and_triggered(exchange: Served) -> None:
    stop = ("add", "ask", "5", "--order-type", "stop", "--trigger-price", "40", "--order-id", "71")
    said(exchange, *stop, owner=4)
    listed = good("order", *exchange.orders, "--owner", "4", "list")
    assert listed == "instrument 1 order 71 ask 5 at 0 waits for 40\n"
    replaced = said(exchange, "replace", "71", "4", "--unpriced", "--trigger-price", "39", owner=4)
    assert replaced == ["replaced instrument 1 order 71 ask 4 at 0 (waits)"]
    assert "waits for 39" in good("order", *exchange.orders, "--owner", "4", "list")
    said(exchange, "add", "bid", "9@39", "--order-id", "72", owner=4)
    found = said(exchange, "add", "ask", "2@39", "--order-id", "73", owner=4)
    assert [re.sub(r"with \d+", "with N", text) for text in found] == [
        "accepted instrument 1 order 73 ask 2 at 39",
        "trade instrument 1 order 73 with N ask 2 at 39",
        "trade instrument 1 order 72 with N bid 2 at 39 (as maker)",
        "triggered instrument 1 order 71 ask 4 at 0 (never rests)",
        "trade instrument 1 order 71 with N ask 4 at 39",
        "trade instrument 1 order 72 with N bid 4 at 39 (as maker)",
    ]
    said(exchange, "mass-cancel", owner=4)


@pytest.mark.compiled
def test_an_iceberg_says_what_it_displays(exchange: Served) -> None:
    said(exchange, "add", "bid", "50@30", "--display-quantity", "10", "--order-id", "81", owner=4)
    assert said(exchange, "replace", "81", "60@30", "--display-quantity", "20", owner=4) == [
        "replaced instrument 1 order 81 bid 20 at 30",
        "hidden instrument 1 order 81 bid 40 at 30",
    ]
    found = said(exchange, "add", "ask", "25@30", "--order-id", "82", owner=5)
    assert [text.split()[0] for text in found] == ["accepted", "trade", "trade"]
    assert "order 81 bid 35 at 30 reference" in good("order", *exchange.orders, "--owner", "4", "list")
    said(exchange, "mass-cancel", owner=4)


@pytest.mark.compiled
def test_the_list_of_open_orders(exchange: Served) -> None:
    def listed(*more: str) -> list[str]:
        return good("order", *exchange.orders, "--owner", "9", "list", *more).splitlines()

    assert listed() == ["no open orders"]
    said(exchange, "add", "bid", "5@50", "--order-id", "31", owner=9)
    said(exchange, "add", "ask", "6@950", "--order-id", "32", owner=9)
    found = listed()
    assert [re.sub(r"\d+$", "N", text) for text in found] == [
        "instrument 1 order 31 bid 5 at 50 reference N",
        "instrument 1 order 32 ask 6 at 950 reference N",
    ]
    assert listed("--instrument", "1") == found, "asking leaves them where they are"
    assert listed("--instrument", "2") == ["no open orders"]
    said(exchange, "mass-cancel", owner=9)


@pytest.mark.compiled
def test_orders_are_kept_or_cancelled_in_the_end(exchange: Served) -> None:
    for option, left in (("--keep", "1 orders"), ("--cancel", "0 orders")):
        good("order", *exchange.orders, "--owner", "5", option, "add", "bid", "1@50")
        assert said(exchange, "mass-cancel", owner=5)[-1].endswith(left)
    for tif, left in (("gtc", "1 orders"), ("day", "0 orders")):
        options = ("--owner", "5", "--keep-gtc-and-gtd")
        good("order", *exchange.orders, *options, "add", "bid", "1@50", "--time-in-force", tif)
        assert said(exchange, "mass-cancel", owner=5)[-1].endswith(left)


@pytest.mark.compiled
def test_a_file_of_orders(exchange: Served, tmp_path: Path) -> None:
    rows = [f"add,bid,1,{60 + n % 7},{100 + n}" for n in range(1200)]
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(["action,side,quantity,price,order_id", *rows, "mass-cancel,,,,"]))
    found = said(exchange, "file", str(file), owner=6)
    assert len(found) == 1200 + 1200 + 1
    assert found[0] == "accepted instrument 1 order 100 bid 1 at 60"
    piped = CliRunner().invoke(main, ["order", *exchange.orders, "file"], input="action,order_id\ncancel,5\n")
    assert "rejected instrument 1 order 5 (unknown order)" in piped.output


@pytest.mark.compiled
def test_secrets(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    secrets.add(file, 7)
    with served("--secrets-file", str(file)) as running:
        mine = ("order", *running.orders, "--owner", "7", "--secrets-file", file)
        assert "accepted" in good(*mine, "add", "bid", "1@1")
        assert "BAD_CREDENTIALS: give an owner that the exchange knows, and its secret" in bad(
            "order", *running.orders, "cancel", "1"
        )
        assert "1 is not an owner in" in bad("order", *running.orders, "--secrets-file", file, "cancel", "1", code=2)
        file.chmod(0o644)
        assert f"chmod 600 {file}" in bad(*mine, "cancel", "1")


@pytest.mark.compiled
def test_prices_with_decimals(tmp_path: Path) -> None:
    with served("--open", "--instrument", "id=1,symbol=ES,price_unit=0.25") as running:
        assert said(running, "add", "ask", "5@101.25", "--order-id", "1") == [
            "accepted instrument 1 order 1 ask 5 at 101.25"
        ]
        assert said(running, "replace", "1", "5@101.5") == ["replaced instrument 1 order 1 ask 5 at 101.50"]
        assert "ask 5 at 101.50 reference" in good("order", *running.orders, "list")
        assert said(running, "--ticks", "replace", "1", "5@404") == ["replaced instrument 1 order 1 ask 5 at 404"]
        message = bad("order", *running.orders, "add", "bid", "1@101.3", code=2)
        assert message == "Error: instrument 1: price 101.3 is not a multiple of 0.25: give 101.25 or 101.50"
        message = bad("order", "--ticks", *running.orders, "add", "bid", "1@101.5", code=2)
        assert message == "Error: instrument 1: price 101.5 is not a multiple of 1: give 101 or 102"
        message = bad("order", *running.orders, "add", "bid", "1@1e30", code=2)
        assert "is out of range" in message
        file = tmp_path / "orders.csv"
        file.write_text("action,side,quantity,price,order_id\nadd,bid,5,100.75,2\n")
        assert said(running, "file", str(file)) == ["accepted instrument 1 order 2 bid 5 at 100.75"]
        shown = good("subscribe", *running.feed, "--feed-group", running.group, "--until-idle", "0.2")
        assert "101.00" in shown
        assert "100.75" in shown


@pytest.mark.compiled
def test_a_journal_shows_prices_with_decimals(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    options = ("--open", "--journal", str(journal), "--segment-bytes", str(1 << 20))
    with served(*options, "--instrument", "id=1,symbol=ES,price_unit=0.25") as running:
        said(running, "add", "ask", "5@101.25", "--order-id", "1")
    assert "ES price unit 0.25" in good("journal", "inspect", journal)
    assert " ask 5 at 101.25 gtc owner 1" in good("journal", "inspect", journal, "--at", "1")
    assert "101.25" in good("replay", journal, "--instrument", "1")


@pytest.mark.compiled
def test_without_a_recovery_server_only_orders_without_a_price_go(exchange: Served) -> None:
    alone = ("order", "--port", str(exchange.port), "--recovery-port", str(free_udp_port()))
    message = bad(*alone, "add", "bid", "5@100", "--order-id", "1", code=2)
    assert "the value of a tick is unknown: the recovery server" in message
    assert "--ticks" in message
    assert "accepted" in good(*alone, "--ticks", "add", "bid", "5@100", "--order-id", "1")
    found = good(*alone, "cancel", "1")
    assert "# prices are in ticks: the recovery server" in found
    assert "cancelled instrument 1 order 1 bid 5 at 100" in found


def test_no_exchange() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = str(nobody.getsockname()[1])
        message = bad("order", "--port", port, "--timeout", "0.05", "cancel", "1")
        assert message == f"Error: no login at 127.0.0.1:{port} within 0.05 s"
    message = bad("order", "--port", port, "cancel", "1")
    assert message.startswith(f"Error: cannot connect to 127.0.0.1:{port}: ")


def test_an_end_that_speaks_something_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        import threading

        def greet() -> None:
            connection, _ = other.accept()
            connection.sendall(b"SSH-2.0-OpenSSH\r\n")
            connection.recv(1)
            connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        assert "no message has the type 83" in bad("order", "--port", str(other.getsockname()[1]), "cancel", "1")
        thread.join()


def test_what_a_file_may_ask_for() -> None:
    text = """\
action, side, quantity, price, order_id, instrument, order_type, time_in_force, post_only, trigger_price
add, bid, 5, 100, 1
add, ask, 5, , 2, 3, market, ioc
add, ask, 5, 7, 3, , , , yes, 0
cancel, , , , 1
replace, , 3, -101, 1, 4
reduce, , 3, , 1
mass-cancel
mass-cancel, ask, , , , 2
"""
    first = {"side": BID, "quantity": 5, "price": 100, "order_id": 1, "instrument": 1}
    first |= {"order_type": LIMIT, "time_in_force": GTC}
    market = {"order_type": MARKET, "time_in_force": IOC}
    expected = [
        ("add_order", first),
        ("add_order", first | {"side": ASK, "price": None, "order_id": 2, "instrument": 3} | market),
        ("add_order", first | {"side": ASK, "price": 7, "order_id": 3, "instructions": 1, "trigger_price": 0}),
        ("cancel_order", {"order_id": 1, "instrument": 1}),
        ("replace_order", {"quantity": 3, "price": -101, "order_id": 1, "instrument": 4}),
        ("reduce_order", {"by": 3, "order_id": 1, "instrument": 1}),
        ("mass_cancel", {"side": None, "instrument": None}),
        ("mass_cancel", {"side": ASK, "instrument": 2}),
    ]
    assert list(read_orders(io.StringIO(text))) == expected
    names = text.splitlines()[0].split(", ")
    rows = [dict(zip(names, line.split(", "), strict=False)) for line in text.splitlines()[1:]]
    assert list(read_orders(io.StringIO(json.dumps(rows)))) == expected, "a file of JSON with the same words"
    (drawn,) = read_orders(io.StringIO("action,side,quantity,price\nadd,bid,1,1\n"))
    assert 0 < drawn.arguments["order_id"] < 2**48


def test_a_file_of_orders_of_a_venue() -> None:
    text = """\
[
  {"action": "add", "side": "ask", "quantity": 5, "order_id": 1, "order_type": "stop", "trigger_price": 99.50,
   "protection": 0.25},
  {"action": "add", "side": "bid", "quantity": 50, "price": "101.25", "order_id": 2, "display_quantity": 10,
   "time_in_force": "gtd", "expiry": "2023-11-14T23:13:20+01:00", "post_only": true, "at_the_open": false},
  {"action": "add", "side": "bid", "quantity": 5, "price": 1e2, "order_id": 3, "all_or_none": true,
   "minimum_quantity": 2},
  {"action": "replace", "order_id": 1, "quantity": 4, "unpriced": true, "trigger_price": 98, "price": null},
  {"action": "replace", "order_id": 2, "quantity": 40, "price": 101, "display_quantity": 5,
   "expiry": 1700000000000000001}
]
"""
    stop, iceberg, whole, first, second = (request.arguments for request in read_orders(io.StringIO(text)))
    assert (stop["order_type"], stop["trigger_price"], stop["protection"]) == (
        OrderType.STOP, Decimal("99.50"), Decimal("0.25"),
    )  # fmt: skip
    assert (iceberg["price"], iceberg["display_quantity"]) == (Decimal("101.25"), 10)
    assert (iceberg["expiry_ns"], iceberg["instructions"]) == (1_700_000_000 * 10**9, Instruction.POST_ONLY)
    assert (whole["price"], whole["instructions"], whole["minimum_quantity"]) == (100, Instruction.ALL_OR_NONE, 2)
    assert first == {"order_id": 1, "quantity": 4, "price": None, "instrument": 1, "trigger_price": 98}
    assert second == {
        "order_id": 2, "quantity": 40, "price": 101, "instrument": 1, "display_quantity": 5,
        "expiry_ns": 1_700_000_000_000_000_001,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: unknown column 'no columns': the columns are action, side"),
        ("action,colour\n", "line 1: unknown column 'colour'"),
        ("action,order_id\ncancel,1\nbuy,2\n", "line 3: unknown action 'buy': give add, cancel"),
        ("action,order_id\ncancel,\n", "line 2: column 'order_id' is empty"),
        ("action,order_id\ncancel,x\n", "line 2: invalid literal"),
        ("action,side,quantity\nadd,buy,5\n", "line 2: unknown side 'buy': give bid, ask"),
        ("action,side,quantity\nadd,bid,5\n", "line 2: no price is given: a limit order needs one"),
        ("action,side,quantity,price\nadd,bid,5,\n", "line 2: no price is given: a limit order needs one"),
        (
            "action,side,quantity,price,order_type\nadd,bid,5,7,market\n",
            "line 2: price 7 is given: a market order has none",
        ),
        ("action,order_id,quantity\nreplace,1,5\n", "line 2: a replace needs a price, unless the order has none"),
        ("action,order_id,quantity,price,unpriced\nreplace,1,5,7,yes\n", "line 2: price 7 is given: an unpriced order"),
        ("action,side,quantity,price,expiry\nadd,bid,5,7,soon\n", "line 2: 'soon' is not a time: write it like 2030"),
        ("action,side,quantity,price,protection\nadd,bid,5,7,-1\n", "line 2: -1 is not a distance"),
        ("action,side,quantity,price,post_only\nadd,bid,5,7,maybe\n", "line 2: 'maybe' is neither yes nor no"),
        ("{", "invalid JSON: "),
        ('{"action": "cancel"}', "invalid JSON: give an array of objects"),
        ("[1]", "invalid JSON: give an array of objects"),
        ('[{"action": "cancel", "colour": 1}]', "object 1: unknown column 'colour'"),
        ('[{"action": "cancel", "order_id": [1]}]', "object 1: 'order_id' is neither text nor a number"),
        ('[{"action": "cancel"}]', "object 1: column 'order_id' is empty"),
        ('[{"action": "cancel", "order_id": true}]', "object 1: invalid literal"),
        ("action,order_id,quantity,price\nreplace,1,5,x\n", "line 2: price 'x' is not a number"),
        ("action,side,quantity,time_in_force\nadd,bid,5,dya\n", "line 2: unknown time in force 'dya': give gtc, day"),
    ],
)
def test_a_file_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(OrdersError) as raised:
        list(read_orders(io.StringIO(text)))
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("add", "ask", "5"),
            "no price is given: a limit order needs one: write 5@PRICE, or 5 --order-type market",
        ),
        (("add", "ask", "5@7", "--order-type", "market"), "price 7 is given: a market order has none"),
        (("add", "ask", "5", "100"), "unexpected argument '100': write quantity and price as one word, like 5@101"),
        (("add", "ask", "5", "-3"), "unexpected argument '-3': write quantity and price as one word, like 5@101"),
        (("replace", "1", "5", "100"), "unexpected argument '100': write quantity and price as one word, like 5@101"),
        (("replace", "1", "5"), "a replace needs a price, unless the order has none: write 5@PRICE, or 5 --unpriced"),
        (("replace", "1", "5@7", "--unpriced"), "price 7 is given: an unpriced order has none"),
        (("add", "ask", "5@7", "--expiry", "soon"), "'soon' is not a time: write it like 2030-01-31T16:30"),
        (
            ("add", "ask", "5", "--order-type", "market", "--protection", "0"),
            "0 is not a distance: give a number above 0",
        ),
        (("add", "ask", "5@"), "'5@' is not QUANTITY@PRICE: write it like 5@101"),
        (("add", "ask", "5@6@7"), "'5@6@7' is not QUANTITY@PRICE: write it like 5@101"),
        (("add", "ask", "0@6"), "0 is not in the range"),
        (("add", "ask", "5@six"), "price 'six' is not a number"),
        (("add", "ask", "5@inf"), "price 'inf' is not a number"),
        (("add", "ask", "5@7", "--trigger-price", "six"), "price 'six' is not a number"),
        (("reduce", "1", "-3"), "-3 is not in the range"),
        (("add", "ask", "5@-3", "--prot", "1"), "No such option '--prot'"),
    ],
)
def test_a_price_that_is_missing_or_out_of_place(arguments: tuple[str, ...], message: str) -> None:
    assert message in bad("order", "--port", "1", *arguments, code=2)


@pytest.mark.compiled
def test_a_price_below_zero(exchange: Served) -> None:
    assert said(exchange, "add", "bid", "5@-3", "--order-id", "31") == ["accepted instrument 1 order 31 bid 5 at -3"]
    assert said(exchange, "replace", "31", "5@-4") == ["replaced instrument 1 order 31 bid 5 at -4"]
    assert said(exchange, "cancel", "31") == ["cancelled instrument 1 order 31 bid 5 at -4"]


@pytest.mark.compiled
def test_options_of_the_group_work_behind_the_subcommand(exchange: Served) -> None:
    behind = ("--owner", "9", *exchange.orders, "--timeout", "30")
    good("order", "--owner", "8", "--port", "1", "add", "bid", "1@50", "--order-id", "5", *behind)
    assert run("order", "cancel", "5", *exchange.orders, "--owner", "8").exit_code == 1, "it is not this owner's order"
    assert "cancelled" in good("order", "cancel", "5", *behind)


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ((ReportKind.TRIGGERED, ASK, 0, 2, 4, 3, 7, 5), "9 triggered instrument 2 order 4 ask 5 at 1.75"),
        ((ReportKind.REFRESHED, ASK, 0, 2, 4, 0, 7, 5), "9 refreshed instrument 2 order 4 ask 5 at 1.75"),
        (
            (ReportKind.AUCTION_TRADE, BID, 0, 2, 4, 6, 7, 5),
            "9 auction trade instrument 2 order 4 with 6 bid 5 at 1.75",
        ),
        ((ReportKind.INDICATIVE, BID, 0, 2, 0, 6, 7, 5), "9 indicative instrument 2 5 at 1.75 surplus bid 6"),
        ((ReportKind.UNCROSSED, 0, 0, 2, 0, 0, 7, 5), "9 uncrossed instrument 2 5 at 1.75"),
        (
            (ReportKind.UNCROSSED, 0, Reason.NO_AUCTION_PRICE, 2, 0, 0, 0, 0),
            "9 uncrossed instrument 2 (no auction price)",
        ),
        ((ReportKind.EXPIRY_DONE, 0, 0, 2, 4, 0, 0, 5), "9 expiry done instrument 2 order 4 5 orders"),
        ((ReportKind.PRICE_SET, 0, 0, 2, 0, 0, 7, 3), "9 price set instrument 2 low 1.75"),
        ((ReportKind.PRICE_SET, 0, 0, 2, 0, 0, 7, 9), "9 price set instrument 2 price 9 1.75"),
        (
            (ReportKind.OPEN_ORDER, ASK, Reason.WAITS, 2, 4, 8, 0, 5),
            "9 open order instrument 2 order 4 ask 5 at 0.00 trigger price 2.00 (waits)",
        ),
    ],
)
def test_reports_of_a_venue_in_words(report: tuple[int, ...], words: str) -> None:
    kind, side, reason, instrument, order_id, maker_id, price, quantity = report
    made = ExecutionReport._make((16, kind, side, reason, instrument, 9, order_id, maker_id, price, quantity))
    assert line(made, {2: Decimal("0.25")}) == words


def test_commands_of_a_venue_in_words() -> None:
    rows = np.zeros(6, COMMAND)
    rows["type"] = (
        CommandType.UNCROSS, CommandType.INDICATE, CommandType.EXPIRE, CommandType.EXPIRE, CommandType.SET_PRICE,
        CommandType.ORDER_EXTENSION,
    )  # fmt: skip
    rows["sequence"] = np.arange(1, 7)
    rows["instrument"][:5], rows["flags"][4], rows["price"][4] = 2, 1, 7
    rows["quantity"][2:4], rows["tag"][3] = 77, 5
    more = rows[5:].view(ORDER_EXTENSION)
    more["protection"], more["trigger_price"], more["display_quantity"], more["minimum_quantity"] = 4, -3, 2, 1
    more_text = "trigger price -3 ticks display quantity 2 minimum quantity 1 protection 4 ticks"
    assert [command_line(row, {2: Decimal("0.25")}) for row in rows] == [
        "1 uncross instrument 2 continuous session 0 at 0 ns",
        "2 indicate instrument 2 session 0 at 0 ns",
        "3 expire instrument 2 up to 77 ns session 0 at 0 ns",
        "4 expire instrument 2 up to 77 ns at most 5 orders session 0 at 0 ns",
        "5 set price instrument 2 reference 1.75 session 0 at 0 ns",
        f"6 order extension {more_text} session 0 at 0 ns",
    ]


def test_reports_in_words() -> None:
    assert (
        line(ExecutionReport._make((16, ReportKind.EXPIRED, ASK, 0, 2, 9, 4, 0, -3, 1)), {})
        == "9 expired instrument 2 order 4 ask 1 at -3"
    )
    assert line(ExecutionReport._make((16, 9, 0, 0, 2, 5, 0, 0, 0, 1)), {}) == "5 phase changed instrument 2 halted"
    assert line(ExecutionReport._make((16, 9, 0, 0, 2, 5, 0, 0, 0, 0)), {}) == "5 phase changed instrument 2 continuous"
    assert (
        line(ExecutionReport._make((16, 99, 9, Reason.SELF_TRADE, 2, 5, 1, 0, 7, 8)), {2: Decimal("0.25")})
        == "5 99 instrument 2 order 1 8 at 1.75 (self trade)"
    )
