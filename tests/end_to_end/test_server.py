"""A real server as its users meet it: logins, halts, bad input, a stop, and what keeps it from starting."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pricetime import ASK, BID
from pricetime.client.client import Client
from pricetime.client.errors import LoginRefused
from pricetime.errors import InstrumentHalted, InvalidPrice, PriceOutsideBand, UnknownOrder
from pricetime.exchange.control import secrets
from pricetime.load.login import log_in
from pricetime.load.server import ServerProcess
from pricetime.types import Reason, ReportKind
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


def test_a_login_needs_the_secret(tmp_path: Path) -> None:
    file = tmp_path / "secrets.toml"
    secret = secrets.add(file, 7, "market maker").secret
    with ServerProcess("--secrets-file", str(file), *SMALL) as server:
        with Client(server.host, server.port, owner=7, secret=secret) as client:
            assert client.add_order(1, BID, 100, 5).result(5).accepted.kind == ReportKind.ACCEPTED
        for owner, wrong in ((7, secret[:-1] + b"x"), (7, b""), (8, secret)):
            with pytest.raises(LoginRefused):
                Client(server.host, server.port, owner=owner, secret=wrong, retries=0)
        with Client(server.host, server.port, owner=7, secret=secret) as client:
            assert client.add_order(1, BID, 100, 5).result(5).accepted.kind == ReportKind.ACCEPTED
        assert server.stop()["last_sequence"] == 4  # two accepted, two cancelled when their client left


def test_an_owner_never_sees_orders_of_other_owners() -> None:
    with ServerProcess("--open", *SMALL) as server:
        with Client(server.host, server.port, owner=1) as one, Client(server.host, server.port, owner=2) as two:
            assert one.add_order(5, ASK, 101, 10).result(5).order_id == 5
            assert two.add_order(5, ASK, 101, 10).result(5).order_id == 5  # its own order 5
            two.cancel_order(5).result(5)
            with pytest.raises(UnknownOrder):
                two.cancel_order(5).result(5)
            assert one.cancel_order(5).result(5).quantity == 10
        server.stop()


def test_a_halt_from_the_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "exchange.toml"
    text = 'open = true\n[[instruments]]\nid = 1\nlow_price = 50\nhigh_price = 150\ntick_size = 5\nphase = "{}"\n'
    file.write_text(text.format("continuous"))
    with ServerProcess("--config", str(file), *SMALL) as server:
        with Client(server.host, server.port, owner=1) as client:
            client.add_order(1, BID, 100, 5).result(5)
            file.write_text(text.format("halted"))
            server.process.send_signal(signal.SIGHUP)
            server.wait_for("instrument phase", 10)
            with pytest.raises(InstrumentHalted):
                client.add_order(2, BID, 100, 5).result(5)
            with pytest.raises(InvalidPrice):  # off the tick
                client.add_order(2, BID, 101, 5).result(5)
            assert client.cancel_order(1).result(5).kind == ReportKind.CANCELLED
            file.write_text(text.format("continuous"))
            server.process.send_signal(signal.SIGHUP)
            opened_again(server, 2)
            with pytest.raises(PriceOutsideBand):
                client.add_order(3, BID, 155, 5).result(5)
            assert client.add_order(3, BID, 150, 5).result(5).accepted.kind == ReportKind.ACCEPTED
        server.stop()


def opened_again(server: ServerProcess, times: int) -> None:
    deadline = time.monotonic() + 10
    while sum(event["event"] == "instrument phase" for event in server.events) < times:
        assert time.monotonic() < deadline
        time.sleep(0.01)


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


def test_a_client_that_says_nothing_is_logged_out() -> None:
    with ServerProcess("--open", "--heartbeat-ms", "50", "--timeout-ms", "200", *SMALL) as server:
        silent = log_in(server.host, server.port, 1).connection
        with Client(server.host, server.port, owner=2) as alive:  # it sends heartbeats by itself
            assert last_message(silent) == SessionReason.HEARTBEAT_TIMEOUT
            time.sleep(0.3)
            assert alive.add_order(1, BID, 1, 1).result(5).accepted.kind == ReportKind.ACCEPTED
            assert alive.disconnects == 0
        assert Heartbeat.decode(bytes([MessageType.HEARTBEAT]) + bytes(15))
        server.stop()


def test_a_client_above_its_rate_is_rejected_and_then_logged_out() -> None:
    with ServerProcess("--open", "--orders-per-second", "50", *SMALL) as server:
        connection = log_in(server.host, server.port, 1).connection
        connection.sendall(ORDER * 300)
        assert last_message(connection) == SessionReason.THROTTLE_EXCEEDED
        with Client(server.host, server.port, owner=1, resume_from=1) as again:  # answers may have come after the end
            reports = list(again.reports(0.5))
        answers = [report for report in reports if report.kind in {ReportKind.ACCEPTED, ReportKind.REJECTED}]
        refused = sum(report.reason == Reason.THROTTLED for report in answers)
        assert refused == 101
        assert len(answers) - refused >= 50  # these were looked at: the first rests, the others have its id
        server.stop()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--host", "192.0.2.77", "--secrets-file", "{secrets}"], "192.0.2.77"),
        (["--feed-interface", "192.0.2.77"], "192.0.2.77"),
        (["--secrets-file", "nowhere.toml"], "nowhere.toml"),
        (["--mtu", "10"], "mtu"),
    ],
)
def test_what_keeps_it_from_starting_is_one_line(wrong: list[str], says: str, tmp_path: Path) -> None:
    secrets.add(tmp_path / "secrets.toml", 7)
    openly = [] if "--secrets-file" in wrong else ["--open"]
    code, lines = start(*openly, *(option.format(secrets=tmp_path / "secrets.toml") for option in wrong))
    assert code == 2
    assert len(lines) == 1
    assert says in lines[0]


def test_a_port_in_use_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, lines = start("--open", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert len(lines) == 1
    assert "port" in lines[0]


def start(*arguments: str) -> tuple[int, list[str]]:
    command = [sys.executable, "-m", "pricetime", "serve", *arguments, "--recovery-port", "0", *SMALL]
    if "--port" not in arguments:
        command += ["--port", "0"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ran.returncode, ran.stderr.splitlines()
