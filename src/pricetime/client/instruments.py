"""The instruments of an exchange, asked of its recovery server without the orders that rest."""

from __future__ import annotations

import socket

from ..address import text
from ..core.instrument import Instrument
from ..errors import FeedUnavailable
from ..wire.messages import SnapshotRequest
from .answers import Answers, SnapshotAnswer
from .errors import InvalidAnswer

READ_BYTES = 1 << 16


def fetch_instruments(host: str = "127.0.0.1", port: int = 7002, *, timeout: float = 5.0) -> dict[int, Instrument]:
    """The instruments of an exchange by id, with their rules, price units and phases.

    ``host``, ``port``: of the recovery server. ``timeout``: seconds that connecting and each part of the answer may
    take. Raises FeedUnavailable if there is no answer, InvalidAnswer if it makes no sense. O(instruments).
    """
    answers = Answers()
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.sendall(SnapshotRequest(without_orders=1).encode())
            while data := connection.recv(READ_BYTES):
                for answer in answers.receive(data):
                    if not isinstance(answer, SnapshotAnswer):
                        raise InvalidAnswer("the recovery server sent reports instead of instruments")
                    return {instrument.id: instrument for instrument in answer.snapshot.instruments}
    except InvalidAnswer:
        raise
    except OSError as error:
        reason = error.strerror or error
        raise FeedUnavailable(f"the recovery server {text((host, port))} does not answer: {reason}") from error
    raise FeedUnavailable(f"the recovery server {text((host, port))} closed the connection without an answer")
