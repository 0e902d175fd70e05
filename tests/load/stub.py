"""A scripted exchange for tests: it logs sessions in, and answers, stalls, rejects or closes the connection."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Self

import numpy as np

from pricetime.types import EXECUTION_REPORT, REPORT, Reason, ReportKind
from pricetime.wire.messages import SIZES, Challenge, Heartbeat, Login, LoginAccepted, Logout
from pricetime.wire.types import NONCE_BYTES, WIRE_VERSION, MessageType, SessionReason

TIMEOUT_S = 20.0

#: The report that answers a command, by its type.
ANSWERS = {1: ReportKind.ACCEPTED, 2: ReportKind.CANCELLED, 3: ReportKind.REPLACED, 4: ReportKind.REDUCED}


def report(kind: int, order_id: int, seq_num: int, reason: int = Reason.NONE) -> bytes:
    record = np.zeros(1, REPORT)
    record["type"], record["kind"], record["reason"] = EXECUTION_REPORT, kind, reason
    record["order_id"], record["seq_num"] = order_id, seq_num
    return record.tobytes()


def heartbeat(next_sequence: int) -> bytes:
    return Heartbeat(next_sequence=next_sequence).encode()


class Messages:
    """What a client sends, as (type, order id), out of bytes that come in any pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> Iterator[tuple[int, int]]:
        data = self._rest + data
        at = 0
        while at < len(data) and len(data) - at >= SIZES[data[at]]:
            yield data[at], int.from_bytes(data[at + 8 : at + 16], "little")
            at += SIZES[data[at]]
        self._rest = data[at:]


#: Is called with a connection, the number of a command in its session, its type and its order id: what to send back.
Behaviour = Callable[[socket.socket, int, int, int], bytes]


def answer(_: socket.socket, number: int, kind: int, order_id: int) -> bytes:
    """As a good exchange does, where nothing trades."""
    return report(ANSWERS[kind], order_id, number + 1)


class Stub:
    """Listens on a free port; a context manager."""

    def __init__(self, behaviour: Behaviour = answer, *, heartbeat_ms: int = 60_000, first_sequence: int = 1) -> None:
        self._behaviour = behaviour
        self._heartbeat_ms, self._first = heartbeat_ms, first_sequence
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.05)
        self.port = int(self._server.getsockname()[1])
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self.heard: list[int] = []  #: types of the messages of clients that are no commands

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in list(self._threads):
            thread.join(TIMEOUT_S)
        self._server.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                connection = self._server.accept()[0]
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(TIMEOUT_S)
            connection.sendall(
                Challenge(version=WIRE_VERSION, open=1, login_timeout_ms=60_000, nonce=bytes(NONCE_BYTES)).encode()
            )
            login = Login.decode(connection.recv(Login.SIZE, socket.MSG_WAITALL))
            connection.sendall(
                LoginAccepted(
                    owner=login.owner, next_sequence=self._first, oldest_sequence=1, heartbeat_ms=self._heartbeat_ms,
                    timeout_ms=5 * self._heartbeat_ms,
                ).encode()
            )  # fmt: skip
            self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        messages, number = Messages(), 0
        connection.settimeout(0.05)
        while not self._ended.is_set():
            try:
                data = connection.recv(1 << 16)
            except TimeoutError:
                continue
            if not data:
                return
            out = b""
            for kind, order_id in messages.read(data):
                if kind == MessageType.LOGOUT:
                    end = Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=self._first + number)
                    connection.sendall(out + end.encode())
                    return
                if kind not in ANSWERS:
                    self.heard.append(kind)
                    continue
                out += self._behaviour(connection, number, kind, order_id)
                number += 1
            connection.sendall(out)
