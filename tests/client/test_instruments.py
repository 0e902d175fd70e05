"""The instruments of an exchange, asked of its recovery server."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import numpy as np
import pytest

from pricetime import Instrument
from pricetime.client import fetch_instruments
from pricetime.client.answers import SnapshotAnswer
from pricetime.client.errors import InvalidAnswer
from pricetime.core.snapshot import Snapshot
from pricetime.errors import FeedUnavailable
from pricetime.load.server import free_udp_port
from pricetime.types import SNAPSHOT_ORDER
from tests.client.exchange import answer_bytes

KNOWN = (
    Instrument(1, symbol="ES", price_unit=Decimal("0.25")),
    Instrument(7, low_price=-5),
    Instrument(9, price_unit=Decimal("1E-18")),
)


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """A port that answers one request with these bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(8) == b"\x33\0\0\0\1\0\0\0"
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_they_come_with_their_price_units() -> None:
    snapshot = Snapshot(5, KNOWN, np.empty(0, SNAPSHOT_ORDER), 0, 0)
    with server(answer_bytes(SnapshotAnswer(snapshot, 1))) as port:
        assert fetch_instruments(port=port) == {instrument.id: instrument for instrument in KNOWN}


@pytest.mark.parametrize(("answer", "error", "message"), [
    (b"", FeedUnavailable, "closed the connection without an answer"),
    (b"HTTP/1.1 400", InvalidAnswer, "type 72"),
])  # fmt: skip
def test_what_is_no_answer(answer: bytes, error: type[Exception], message: str) -> None:
    with server(answer) as port, pytest.raises(error, match=message):
        fetch_instruments(port=port)


def test_nothing_listens() -> None:
    with pytest.raises(FeedUnavailable, match="does not answer"):
        fetch_instruments(port=free_udp_port(), timeout=1)
