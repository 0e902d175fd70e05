"""A real server as its users meet it: bad input, noise, and a stop."""

import random
import socket
import subprocess
import sys

import pytest

from pricetime import BID
from pricetime.client.client import Client
from pricetime.load.login import log_in
from pricetime.load.server import ServerProcess
from pricetime.types import ReportKind
from pricetime.wire.messages import (
    MESSAGES,
    SIZES,
    Challenge,
    ExecutionReport,
    Heartbeat,
    Login,
    Logout,
    Message,
    NewOrder,
)
from pricetime.wire.types import WIRE_VERSION, MessageType, SessionReason

pytestmark = pytest.mark.compiled

SMALL = ("--no-prefault", "--order-capacity", "4096", "--stats-interval-ms", "0")


ORDER = NewOrder(side=1, instrument=1, price=1, quantity=1).encode()

#: What ends a session, and the reason that it ends with.
BAD = {
    "an unknown type": (b"\xff" * 64, SessionReason.UNKNOWN_TYPE),
    "a second login": (Login(version=WIRE_VERSION, owner=1).encode(), SessionReason.OUT_OF_STATE),
    "what only an exchange says": (Challenge(version=WIRE_VERSION).encode(), SessionReason.OUT_OF_STATE),
    "a report": (ExecutionReport(order_id=1).encode(), SessionReason.OUT_OF_STATE),
    "an order, then noise": (ORDER + b"\0", SessionReason.UNKNOWN_TYPE),
}


def test_bad_input_ends_its_own_session_with_the_reason() -> None:
    with ServerProcess("--open", *SMALL) as server:
        with Client(server.host, server.port, owner=9) as bystander:
            for data, reason in BAD.values():
                connection = log_in(server.host, server.port, 1).connection
                connection.sendall(data)
                assert last_message(connection) == reason
            assert bystander.add_order(1, BID, 1, 1).result(5).accepted.kind == ReportKind.ACCEPTED
        server.stop()


def messages(connection: socket.socket) -> list[Message]:
    """All that comes until the session ends. The connection must end well, not be reset."""
    with connection:
        data = b""
        while part := connection.recv(65_536):
            data += part
    found = []
    while data:
        found.append(MESSAGES[data[0]].decode(data[: SIZES[data[0]]]))
        data = data[SIZES[data[0]] :]
    return found


def last_message(connection: socket.socket) -> int:
    """The reason of the Logout with which a session ends."""
    *before, last = messages(connection)
    assert {type(message) for message in before} <= {ExecutionReport, Heartbeat}
    assert isinstance(last, Logout)
    return last.reason


def test_noise_harms_no_client() -> None:
    """Random bytes, before and after a login, from many connections; others are served as before."""
    rng = random.Random(8)
    with ServerProcess("--open", *SMALL) as server:
        with Client(server.host, server.port, owner=9) as bystander:
            for number in range(200):
                if number % 2:
                    connection = log_in(server.host, server.port, 1 + number % 5).connection
                else:
                    connection = socket.create_connection((server.host, server.port))
                with connection:
                    connection.sendall(rng.randbytes(rng.choice([1, 15, 40, 1_000, 50_000])))
                if number % 20 == 0:
                    bystander.add_order(number, BID, 1 + number, 1).result(5)
        server.stop()


def test_a_stop_brings_everything_out_and_takes_leave() -> None:
    with ServerProcess("--open", *SMALL) as server:
        connection = log_in(server.host, server.port, 3).connection
        orders = [NewOrder(side=1, instrument=1, order_id=n, price=n, quantity=1).encode() for n in range(1, 101)]
        connection.sendall(b"".join(orders))
        with connection, connection.makefile("rb") as stream:
            data = stream.read(100 * 48)
            stopped = server.stop()
            rest = stream.read()
        assert stopped["last_sequence"] == 100
        assert server.process.returncode == 0
        assert len(data) == 4_800
        assert Logout.decode(rest[-16:]).reason == SessionReason.SHUTDOWN
        assert all(rest[i] == MessageType.HEARTBEAT for i in range(0, len(rest) - 16, 16))


def start(*arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "pricetime", "serve", *arguments, "--recovery-port", "0", *SMALL]
    if "--port" not in arguments:
        command += ["--port", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ran.returncode, ran.stderr.splitlines()
