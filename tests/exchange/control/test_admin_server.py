"""The operator's socket: one request, its reply, and invalid requests."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pricetime.errors import PricetimeError
from pricetime.exchange.control import admin_server as module
from pricetime.exchange.control.admin_server import AdminServer
from pricetime.exchange.control.operator import Answer
from pricetime.exchange.settings.admin_socket import AdminSocket, connect
from pricetime.exchange.settings.server_log import LimitedLog
from tests.exchange.loops import Events, LoopThread, loop_thread, receive


class Running:
    """A server that answers with what it was asked."""

    def __init__(self, loop: LoopThread, path: Path) -> None:
        self.loop = loop
        self.events = Events()
        self.socket = AdminSocket(path)
        self.server = loop.call(AdminServer, self.socket.listener, self._do, LimitedLog(self.events.log))
        loop.call(self.server.open)

    async def _do(self, request: object) -> Answer:
        if request == "refuse":
            raise PricetimeError("say something else")
        if request == "fail":
            raise OSError(28, "No space left on device")
        return [{"row": 1}, {"row": 2}], {"asked": request}

    def client(self) -> socket.socket:
        made = connect(self.socket.path)
        made.settimeout(30)
        return made

    def ask(self, line: bytes) -> bytes:
        with self.client() as client:
            client.sendall(line)
            return receive(client, 1 << 20)

    def close(self) -> None:
        self.loop.wait(self.server.close())
        self.socket.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Running]:
    with loop_thread() as loop:
        made = Running(loop, tmp_path / "admin.socket")
        yield made
        made.close()


def test_rows_and_a_last_line(here: Running) -> None:
    assert here.ask(b'{"command": "orders"}\n') == (
        b'{"row": 1}\n{"row": 2}\n{"ok": true, "asked": {"command": "orders"}}\n'
    )


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b'"refuse"\n', b'{"error": "say something else"}\n'),
        (b'"fail"\n', b'{"error": "[Errno 28] No space left on device"}\n'),
    ],
)
def test_what_cannot_be_done_is_said(here: Running, line: bytes, error: bytes) -> None:
    assert here.ask(line) == error


@pytest.mark.parametrize("line", [b"cancel 7\n", b"\n", b"\xff\n", b"{" * 5000 + b"\n"])
def test_what_is_no_request(here: Running, line: bytes) -> None:
    assert here.ask(line).startswith(b'{"error": ')


def test_a_line_that_does_not_end(here: Running) -> None:
    assert here.ask(b"x" * (module.MOST_BYTES + 1)) == b""
    with here.client() as client:
        client.sendall(b'"hal')
        client.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""


def test_one_that_says_nothing_is_closed(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.05)
    with here.client() as client:
        assert client.recv(1) == b""


def test_idle_connections_make_room(here: Running) -> None:
    idle = [here.client() for _ in range(3 * module.MOST_CLIENTS)]
    assert here.ask(b"1\n").endswith(b'{"ok": true, "asked": 1}\n')
    for client in idle:
        client.close()
