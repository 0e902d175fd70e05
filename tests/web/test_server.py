"""The page of a running server, over its sockets."""

import asyncio
import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pricetime.client.client import Client
from pricetime.core.instrument import Instrument
from pricetime.exchange.control import secrets
from pricetime.exchange.exchange import Exchange
from pricetime.exchange.server import CONTROL_NICENESS
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.server_log import LimitedLog
from pricetime.types import Side
from pricetime.web import pages as pages_module
from pricetime.web.app import FILES
from pricetime.web.orders import MOST_ORDERS
from pricetime.web.server import SPARE_PER_ADDRESS, LivePage
from tests.exchange.loops import Events
from tests.web.market import ASK, BID, FakeExchange, add
from tests.web.served import PATIENCE_S, PLAIN, SANDBOX, Page, page


@pytest.fixture(scope="module")
def shared() -> Iterator[Page]:
    """One server for the tests that leave nothing behind."""
    with page() as running:
        yield running


# ---------------------------------------------------------------------- files and access


def test_the_page_and_all_that_it_names(shared: Page) -> None:
    status, headers, content = shared.get()
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = set(re.findall(r'(?:href|src)="(/[^"]*)"', content.decode()))
    files = {f"/page/{file.name}" for file in FILES.iterdir()}
    assert named < files
    for path in files:
        status, headers, content = shared.get(path)
        assert status == 200
        assert content
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        for imported in re.findall(r'from "\./([^"]+)"', content.decode()):
            assert f"/page/{imported}" in files


def test_nothing_of_the_page_is_inline_and_nothing_is_from_elsewhere() -> None:
    for file in FILES.iterdir():
        name, text = file.name, file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function", text), name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=", text)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/page/none.js", "GET", 404),
        ("/page/../app.py", "GET", 404),
        ("/page/%2e%2e%2fapp.py", "GET", 404),
        ("/live", "GET", 404),
        ("/docs", "GET", 404),
        ("/", "POST", 405),
        ("/", "HEAD", 200),
    ],
)
def test_nothing_else_is_served(shared: Page, path: str, method: str, status: int) -> None:
    assert shared.get(path, method)[0] == status


def test_a_foreign_name_is_refused(shared: Page) -> None:
    status, headers, content = shared.get(Host=f"evil.example:{shared.port}")
    assert status == 403
    assert b"is not a name of this server" in content
    assert "content-security-policy" in headers
    assert shared.get(Host=f"localhost:{shared.port}")[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", "null"])
def test_a_foreign_page_may_not_connect(shared: Page, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused, shared.watcher(origin):
        pass
    assert refused.value.response.status_code == 403
    assert b"only its own page may connect" in refused.value.response.body


def test_a_message_that_is_too_long_ends_the_connection(shared: Page) -> None:
    with shared.watcher() as watcher:
        watcher.hear()
        watcher.socket.send("x" * 5000)
        with pytest.raises(ConnectionClosed) as closed:
            watcher.until(lambda _: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_bytes_end_the_connection_and_nothing_else(shared: Page) -> None:
    with shared.watcher() as watcher, shared.watcher() as other:
        watcher.socket.send(b"\x00\x01")
        with pytest.raises(ConnectionClosed):
            watcher.until(lambda _: False)
        assert other.frame(lambda frame: True)


def test_a_malformed_request_gets_an_error(shared: Page) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"\x16\x03\x01 no HTTP\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_a_connection_that_asks_for_nothing_is_closed(shared: Page) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE_S) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert is_ended(connection)


def is_ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_there_is_room_for_so_many_pages() -> None:
    with page("--open", "--http-pages", "2") as running, running.watcher() as one, running.watcher() as two:
        one.hear()
        two.hear()
        with running.watcher() as third, pytest.raises(ConnectionClosed) as closed:
            third.until(lambda _: False)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1013, "too many pages are open")
        two.socket.close()
        assert came_in(running)


def came_in(running: Page) -> bool:
    """Whether there is room once the server has noticed that a page was closed."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with running.watcher() as watcher, suppress(ConnectionClosed):
            return bool(watcher.hear()["type"] == "hello")
    return False


def test_one_address_has_so_many_pages() -> None:
    with page("--open", "--http-pages", "2", "--http-pages-per-address", "1") as running, running.watcher() as one:
        one.hear()
        with running.watcher() as second, pytest.raises(ConnectionClosed) as closed:
            second.until(lambda _: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\n"])
def test_idle_connections_keep_no_page_out(shared: Page, begun: bytes) -> None:
    held = [socket.create_connection(("127.0.0.1", shared.port), timeout=PATIENCE_S) for _ in range(200)]
    try:
        for connection in held:
            with suppress(OSError):
                connection.sendall(begun)
        assert shared.get()[0] == 200
        with shared.watcher() as watcher:
            watcher.frame(lambda frame: True)
            assert sum(map(is_open, held)) >= SPARE_PER_ADDRESS // 2, "it did not wait for them to be closed"
    finally:
        for connection in held:
            connection.close()


def is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


def test_connections_are_bounded() -> None:
    with page("--open", "--http-pages", "1") as running:
        address = ("127.0.0.1", running.port)
        held = [socket.create_connection(address, timeout=PATIENCE_S) for _ in range(60)]
        try:
            assert all(is_ended(connection) for connection in held[: 60 - SPARE_PER_ADDRESS])
        finally:
            for connection in held:
                connection.close()


# ---------------------------------------------------------------------- the market


def test_frames_follow_the_book(shared: Page) -> None:
    server = shared.server
    with Client(server.host, server.port, owner=5) as client, shared.watcher() as watcher:
        for number in range(1, 4):
            client.add_order(number, Side.BID, 1000 - number, 10 * number).result(PATIENCE_S)
        client.add_order(9, Side.ASK, 1010, 4).result(PATIENCE_S)
        expected = [[999, 10, 1], [998, 20, 1], [997, 30, 1]]
        frame = watcher.frame(lambda frame: frame["book"]["asks"] and len(frame["book"]["bids"]) == 3)
        assert (frame["book"]["bids"], frame["book"]["asks"]) == (expected, [[1010, 4, 1]])
        watcher.frame(lambda frame: {one["owner"] for one in frame["sessions"]["newest"]} >= {5, SANDBOX})
        client.add_order(10, Side.BID, 1010, 3).result(PATIENCE_S)
        frame = watcher.frame(lambda frame: frame["book"]["tape"])
        assert frame["book"]["tape"][0][1:4] == [1010, 3, "bid"]
        assert frame["book"]["asks"] == [[1010, 1, 1]]
        frame = watcher.frame(lambda frame: frame["latency"])
        assert 0 < frame["latency"][0]["p50"] <= frame["latency"][0]["max"]
    with shared.watcher() as watcher:  # the orders went with their session
        assert watcher.frame(lambda frame: not frame["book"]["bids"])


# ---------------------------------------------------------------------- the sandbox


def test_an_order_rests_trades_and_is_cancelled(shared: Page) -> None:
    server = shared.server
    with Client(server.host, server.port, owner=6) as client, shared.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        number = watcher.order("bid", 10, 500)["id"]
        watcher.orders(lambda orders: orders[0]["status"] == "resting")
        client.add_order(1, Side.ASK, 500, 4).result(PATIENCE_S)
        (order, *_) = watcher.orders(lambda orders: orders[0]["traded"] == 4)
        assert (order["id"], order["status"], order["last_price"]) == (number, "resting", 500)
        assert watcher.ask(do="cancel", id=number)["id"] == number
        (order, *_) = watcher.orders(lambda orders: orders[0]["status"] == "cancelled")
        assert order["traded"] == 4
        assert "no longer open" in watcher.ask(do="cancel", id=number)["error"]


def test_a_market_order_with_protection_trades_no_farther(shared: Page) -> None:
    server = shared.server
    with Client(server.host, server.port, owner=6) as client, shared.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        client.add_order(1, Side.BID, 500, 1).result(PATIENCE_S)
        client.add_order(2, Side.BID, 490, 1).result(PATIENCE_S)
        number = watcher.order("ask", 2, "", type="market", protection="5")["id"]
        (order, *_) = watcher.orders(lambda orders: orders[0]["id"] == number and orders[0]["traded"])
        assert (order["traded"], order["last_price"], order["protection"]) == (1, 500, 5)
        assert [one.order_id for one in client.open_orders(PATIENCE_S)] == [2]
        watcher.ask(do="cancel all")


def test_what_the_exchange_refuses_is_said_in_words(shared: Page) -> None:
    with shared.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        watcher.order("bid", 10, 500, instrument=3)
        (order, *_) = watcher.orders(lambda orders: orders and orders[0]["status"] == "rejected")
        assert order["why"] == "no such instrument"
        watcher.order("ask", 1, "", type="market")
        (order, *_) = watcher.orders(lambda orders: orders[0]["price"] is None and orders[0]["status"] == "cancelled")
        assert order["why"] == "no more orders to trade with"


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"side": "buy"}, "side: give one of bid, ask"),
        ({"side": ["bid"]}, "side: give one of bid, ask"),
        ({"type": "day"}, "type: give one of limit, market, market-to-limit, stop, stop-limit"),
        ({"time_in_force": "ever"}, "time in force: give one of gtc, day, gtd, ioc, fok, gfa"),
        ({"instruction": "extended"}, "instruction: give one of post-only, at-the-open, at-the-close, all-or-none"),
        ({"type": "stop"}, "trigger price: give a number"),
        ({"type": "stop-limit", "trigger_price": "9" * 19}, "trigger price: the number is too large"),
        ({"display_quantity": "11"}, "display quantity: give a number from 1 to 1"),
        ({"minimum_quantity": "some"}, "minimum quantity: give a whole number"),
        ({"time_in_force": "gtd"}, "expiry: give a whole number"),
        ({"time_in_force": "gtd", "expiry": "-5"}, "expiry: give a number from 1 to"),
        ({"quantity": "0"}, "quantity: give a number from 1 to 9223372036854775807"),
        ({"quantity": "1.5"}, "quantity: give a whole number"),
        ({"quantity": "٣"}, "quantity: give a whole number"),
        ({"quantity": "9" * 400}, "quantity: give a whole number"),
        ({"price": ""}, "price: give a number"),
        ({"price": "9223372036854775808"}, "price: the number is too large"),
        ({"price": "9" * 400}, "price: give a number"),
        ({"price": "1e400"}, "price '1e400' is not a number"),
        ({"price": "1.5"}, "price '1.5' is not a multiple of 1: give 1 or 2"),
        ({"price": None}, "price 'None' is not a number"),
        ({"instrument": "-1"}, "instrument: give a number from 0 to 4294967295"),
        ({"instrument": 2**32 - 1}, "instrument"),
    ],
)
def test_orders_that_cannot_be_are_not_sent(shared: Page, asked: dict[str, object], error: str) -> None:
    with shared.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        assert watcher.ask(**{**PLAIN, "side": "bid", "quantity": "1", "price": "1", **asked})["error"].startswith(
            error
        )


def test_so_many_orders_may_be_open(shared: Page) -> None:
    with shared.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        for _ in range(MOST_ORDERS):
            assert "id" in watcher.order("bid", 1, 5)
        assert "cancel some first" in watcher.order("bid", 1, 5)["error"]
        assert watcher.ask(do="cancel all")["id"] == MOST_ORDERS
        orders = watcher.orders(lambda orders: all(order["status"] != "resting" for order in orders))
        assert {order["why"] for order in orders if order["status"] == "cancelled"} == {"all orders were cancelled"}


def test_all_pages_see_the_orders_of_the_sandbox(shared: Page) -> None:
    with shared.watcher() as one, shared.watcher() as two:
        one.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        number = one.order("bid", 1, 5)["id"]
        two.orders(lambda orders: orders[0]["id"] == number and orders[0]["status"] == "resting")
        assert two.ask(do="cancel", id=number)["id"] == number
        one.orders(lambda orders: orders[0]["id"] == number and orders[0]["status"] == "cancelled")


def test_without_a_sandbox_nothing_is_traded() -> None:
    with page("--open") as running, running.watcher() as watcher:
        assert watcher.hear()["sandbox"] is None
        assert watcher.order("bid", 1, 1)["error"].startswith(
            "this server takes no orders from the page: start it with --http-owner"
        )
        assert watcher.frame(lambda frame: True)["book"]["bids"] == []


def test_with_secrets_the_sandbox_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    secrets.add(file, 77, "the sandbox")
    with page("--secrets-file", str(file), "--http-owner", "77") as running, running.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        frame = watcher.frame(lambda frame: frame["sessions"]["count"])
        assert frame["sessions"]["newest"][0]["name"] == "the sandbox"
        watcher.order("bid", 1, 5)
        watcher.orders(lambda orders: orders and orders[0]["status"] == "resting")


def test_a_sandbox_that_is_pushed_out_comes_back(shared: Page) -> None:
    server = shared.server
    with shared.watcher() as watcher:
        watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        number = watcher.order("bid", 1, 5)["id"]
        watcher.orders(lambda orders: orders[0]["status"] == "resting")
        with Client(server.host, server.port, owner=SANDBOX):
            frame = watcher.frame(lambda frame: "sandbox" in frame and not frame["sandbox"]["ready"])
            assert frame["sandbox"]["state"]
        frame = watcher.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        assert next(order for order in frame["sandbox"]["orders"] if order["id"] == number)["status"] in {
            "lost",
            "cancelled",
        }


# ---------------------------------------------------------------------- the end


def test_the_server_stops_with_pages_open() -> None:
    with page() as running, running.watcher() as reader, running.watcher() as sleeper:
        reader.frame(lambda frame: True)
        sleeper.hear()
        running.server.stop()
        with pytest.raises(ConnectionClosed) as closed:
            reader.until(lambda _: False)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert not any("Traceback" in str(event) for event in running.server.events)
    assert running.server.last("stopped")["drained"] is True


def test_the_thread_of_the_pages_lets_those_of_orders_go_first(shared: Page) -> None:
    niceness = {}
    for thread in Path(f"/proc/{shared.server.process.pid}/task").iterdir():
        fields = (thread / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        niceness[int(thread.name)] = int(fields[16])
    pages = niceness.pop(shared.server.process.pid)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert pages == min(19, own + CONTROL_NICENESS)
    assert own in niceness.values()


# ---------------------------------------------------------------------- without the rest of the exchange


def test_a_page_that_does_not_read_misses_frames_and_takes_up_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages_module, "HERTZ", 1000)
    exchange = FakeExchange([Instrument(1, symbol="ABC")])
    for number in range(1, 17):
        exchange.send(add(number, BID, 1000 - number, 10), add(100 + number, ASK, 1000 + number, 10))
    config = GatewayConfig(open=True, http_port=0)

    async def play() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        live = LivePage(listener, config, cast(Exchange, exchange), 0, lambda: None, LimitedLog(Events().log))
        live.open()
        sleeper = socket.socket()
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.setblocking(False)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await shake_hands(sleeper, listener.getsockname())
                while not any(viewer.dropped > 100 for viewer in live.pages._viewers):
                    await asyncio.sleep(0.01)
            (connection,) = live._server.server_state.connections
            assert connection.transport.get_write_buffer_size() < 2**17
            assert live.pages.counts["frames"] > 100
        finally:
            sleeper.close()
            await live.close()

    asyncio.run(play())


async def shake_hands(sleeper: socket.socket, address: tuple[str, int]) -> None:
    """Open a WebSocket without a library."""
    loop = asyncio.get_running_loop()
    host = f"{address[0]}:{address[1]}"
    await loop.sock_connect(sleeper, address)
    fields = {
        "Host": host, "Origin": f"http://{host}", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    await loop.sock_sendall(sleeper, f"GET /live HTTP/1.1\r\n{head}\r\n".encode())
    assert (await loop.sock_recv(sleeper, 100)).startswith(b"HTTP/1.1 101")


def test_a_page_that_fails_says_so_and_the_exchange_goes_on() -> None:
    exchange = FakeExchange([Instrument(1)])
    events = Events()

    class Broken:
        def depths(self, instruments: object, levels: int) -> None:
            raise RuntimeError("no books")

    exchange.follower = Broken()

    async def play() -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        live = LivePage(
            listener,
            GatewayConfig(open=True, http_port=0),
            cast(Exchange, exchange),
            0,
            lambda: None,
            LimitedLog(events.log),
        )
        live.open()
        with socket.socket() as page:
            page.setblocking(False)
            async with asyncio.timeout(PATIENCE_S):
                await shake_hands(page, listener.getsockname())
                while not events.of("page failed"):
                    await asyncio.sleep(0.01)
            assert "no books" in events.of("page failed")[0]["error"]
        await live.close()

    asyncio.run(play())
