"""Connections that never log in: what they cost a real server, and that a client goes on trading.

10,000 of them in ``make soak``, which sets ORDERS; fewer in ``make test``.
"""

import os
import resource
import socket
from collections.abc import Iterator

import pytest

from pricetime import BID
from pricetime.client import Client
from pricetime.load.server import ServerProcess
from pricetime.types import ReportKind

pytestmark = pytest.mark.compiled

CONNECTIONS = 10_000 if "ORDERS" in os.environ else 2_500
MOST_BYTES = CONNECTIONS * 1_600
FILES = CONNECTIONS + 200


@pytest.fixture
def _many_files() -> Iterator[None]:
    """As many open files as the flood holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"the system allows {hard} open files, the flood holds {FILES}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("_many_files")
def test_a_flood_costs_little_and_keeps_no_client_from_trading() -> None:
    with ServerProcess("--open", "--no-prefault", "--order-capacity", "65536") as server:
        flood: list[socket.socket] = []
        with Client(server.host, server.port, owner=1) as client:
            for number in range(100):
                client.add_order(number, BID, 1, 1).result(5)
            before = most = server.resident_bytes()
            try:
                for number in range(CONNECTIONS):
                    flood.append(socket.create_connection((server.host, server.port), timeout=10))
                    if number % 100 == 0:
                        result = client.add_order(1_000 + number, BID, 1, 1).result(5)
                        assert result.accepted.kind == ReportKind.ACCEPTED
                        most = max(most, server.resident_bytes())
                with Client(server.host, server.port, owner=2) as late:  # the port still accepts logins
                    assert late.add_order(1, BID, 1, 1).result(5).accepted.kind == ReportKind.ACCEPTED
            finally:
                for connection in flood:
                    connection.close()
            assert client.disconnects == 0
        server.stop()
    assert most - before <= MOST_BYTES
