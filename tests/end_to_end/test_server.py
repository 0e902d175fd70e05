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
from pricetime.wire.messages import Logout, NewOrder
from pricetime.wire.types import MessageType, SessionReason

pytestmark = pytest.mark.compiled

SMALL = ("--no-prefault", "--order-capacity", "4096", "--stats-interval-ms", "0")


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
