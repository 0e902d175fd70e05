"""The metrics server over real sockets, with a page from the test: replies, errors and slow clients."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from pricetime.exchange.control import metrics_server as module
from pricetime.exchange.control.metrics_server import MetricsServer
from pricetime.exchange.settings.server_log import LimitedLog
from tests.exchange.loops import Events, Listener, LoopThread, connect, loop_thread, until

GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE_S = 30.0


class Running:
    """A server whose page is what ``read`` gives."""

    def __init__(self, loop: LoopThread, read: Callable[[], bytes], names: tuple[str, ...] = ()) -> None:
        self.loop = loop
        self.events = Events()
        self.counts: Counter[str] = Counter()
        self.listener = Listener()
        self.server = loop.call(MetricsServer, self.listener, self.counts, read, LimitedLog(self.events.log), names)
        loop.call(self.server.open)

    def ask(self, request: bytes = GET) -> tuple[bytes, bytes]:
        """Head and body of the answer; both are empty when the connection ends without one."""
        with connect(self.listener) as client:
            client.sendall(request)
            return answer(client)

    def close(self) -> None:
        self.loop.wait(self.server.close())


def answer(client: socket.socket) -> tuple[bytes, bytes]:
    got = b""
    try:
        while more := client.recv(1 << 16):
            got += more
    except ConnectionResetError:
        pass
    head, _, body = got.partition(b"\r\n\r\n")
    return head, body


@contextmanager
def running(read: Callable[[], bytes] = lambda: b"page\n", names: tuple[str, ...] = ()) -> Iterator[Running]:
    with loop_thread() as loop:
        made = Running(loop, read, names)
        try:
            yield made
        finally:
            made.close()


def test_an_answer() -> None:
    with running() as here:
        head, body = here.ask()
        assert head.split(b"\r\n") == [
            b"HTTP/1.1 200 OK",
            b"Content-Type: text/plain; version=0.0.4; charset=utf-8",
            b"Content-Length: 5",
            b"Connection: close",
        ]
        assert body == b"page\n"
        assert here.ask(b"GET /metrics?name=x HTTP/1.0\r\nhost: 127.0.0.1:9\r\n\r\n")[1] == b"page\n"
        until(lambda: here.counts["200"] == 2)


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:7009", b"127.0.0.1.evil.example", b""])
def test_a_request_with_an_unknown_host_is_rejected(host: bytes) -> None:
    with running(names=("exchange.example.org",)) as here:
        head, body = here.ask(GET.replace(b"localhost", host))
        assert head.startswith(b"HTTP/1.1 403 Forbidden")
        assert body == b"Host is not a name of this server: use its address, or add the name to http_names\n"
        assert here.ask(GET.replace(b"localhost", b"Exchange.example.org:7009"))[1] == b"page\n"
        assert here.ask(b"GET /metrics HTTP/1.1\r\n\r\n")[0].startswith(b"HTTP/1.1 403 Forbidden")


def test_a_head_has_no_body() -> None:
    with running() as here:
        head, body = here.ask(GET.replace(b"GET", b"HEAD"))
        assert b"Content-Length: 5" in head
        assert body == b""


@pytest.mark.parametrize(
    ("request_", "status", "body"),
    [
        (GET.replace(b"/metrics", b"/"), b"404 Not Found", b"the metrics are at /metrics\n"),
        (GET.replace(b"GET", b"PUT"), b"405 Method Not Allowed", b"use GET /metrics\n"),
        (b"\x16\x03\x01 not HTTP at all\r\n\r\n", b"400 Bad Request", b"not an HTTP/1.1 request: use GET /metrics\n"),
        (b"\r\n\r\n", b"400 Bad Request", b"not an HTTP/1.1 request: use GET /metrics\n"),
        (GET[:-2] + b"X: " + b"x" * 8192, b"431 Request Header Fields Too Large", b"send fewer headers\n"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly(request_: bytes, status: bytes, body: bytes) -> None:
    with running() as here:
        head, said = here.ask(request_[: module.MOST_BYTES])
        assert head.startswith(b"HTTP/1.1 " + status)
        assert said == body
        assert (b"Allow: GET, HEAD" in head) == (b"405" in status)
        until(lambda: here.counts[status[:3].decode()] == 1)
        assert here.ask()[1] == b"page\n"


def test_a_request_that_comes_byte_by_byte() -> None:
    with running() as here, connect(here.listener) as client:
        for byte in GET:
            client.sendall(bytes([byte]))
        assert answer(client)[1] == b"page\n"


def test_one_that_goes_before_it_asked() -> None:
    with running() as here:
        connect(here.listener).close()
        with connect(here.listener) as client:
            client.sendall(GET[:10])
        assert here.ask()[1] == b"page\n"
        until(lambda: len(here.server) == 0)
        assert here.counts == {"200": 1}


def test_requests_at_the_same_time_share_a_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CLIENTS", 100)
    go_on, reads = threading.Event(), []

    def read() -> bytes:
        reads.append(threading.current_thread())
        assert go_on.wait(PATIENCE_S)
        return b"%d\n" % len(reads)

    with running(read) as here, ExitStack() as stack:
        clients = [stack.enter_context(connect(here.listener)) for _ in range(50)]
        for client in clients:
            client.sendall(GET)
        until(lambda: len(here.server) == 50)
        go_on.set()
        assert {answer(client)[1] for client in clients} == {b"1\n"}
        assert len(reads) == 1
        assert reads[0] is not here.loop._thread


def test_what_is_old_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        return b"%d" % len(reads)

    monkeypatch.setattr(module, "CACHE_S", 3600)
    with running(read) as here:
        assert [here.ask()[1] for _ in range(3)] == [b"1"] * 3
        here.server._page._good_until = 0.0
        assert here.ask()[1] == b"2"
    monkeypatch.setattr(module, "CACHE_S", 0)
    monkeypatch.setattr(module, "CACHE_FACTOR", 0)
    with running(read) as here:
        assert [here.ask()[1] for _ in range(3)] == [b"3", b"4", b"5"]


def test_what_takes_long_is_good_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_S", 0)
    monkeypatch.setattr(module, "CACHE_FACTOR", 1_000_000)
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        time.sleep(0.01)
        return b""

    with running(read) as here:
        for _ in range(3):
            here.ask()
    assert len(reads) == 1


def test_a_page_that_cannot_be_read_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_S", 0)
    reads: list[int] = []

    def read() -> bytes:
        reads.append(1)
        if len(reads) == 1:
            raise RuntimeError("the follower is broken")
        return b"page\n"

    with running(read) as here:
        head, body = here.ask()
        assert head.startswith(b"HTTP/1.1 500 Internal Server Error")
        assert body == b"the metrics cannot be read: see the log of the server\n"
        assert "the follower is broken" in here.events.of("metrics failed")[0]["error"]
        until(lambda: here.ask()[1] == b"page\n")


def test_a_silent_client_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    with running() as here, connect(here.listener) as silent:
        silent.sendall(GET[:5])
        assert answer(silent) == (b"", b"")
        until(lambda: here.counts == {"closed": 1})


def test_a_client_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.1)
    with running(lambda: b"x" * (64 << 20)) as here, connect(here.listener) as slow:
        slow.sendall(GET)
        until(lambda: here.counts == {"closed": 1} and len(here.server) == 0)


def test_idle_connections_do_not_keep_anyone_out() -> None:
    with running() as here, ExitStack() as stack:
        idle = [stack.enter_context(connect(here.listener)) for _ in range(3 * module.MOST_CLIENTS)]
        until(lambda: here.counts["closed"] == 2 * module.MOST_CLIENTS)
        assert len(here.server) == module.MOST_CLIENTS
        assert here.ask()[1] == b"page\n"
        for client in idle[: 2 * module.MOST_CLIENTS]:
            assert answer(client) == (b"", b"")


def test_connections_end_with_the_server() -> None:
    with running() as here:
        client = connect(here.listener)
        until(lambda: len(here.server) == 1)
        address = here.listener.getsockname()
        here.close()
        assert answer(client) == (b"", b"")
        client.close()
        with pytest.raises(OSError):
            socket.create_connection(address)
