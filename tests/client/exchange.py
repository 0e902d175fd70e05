"""The public side of an exchange on sockets: a feed, and a recovery server in a thread of its own."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

from pricetime.client.answers import Answer, RangeAnswer
from pricetime.core.snapshot import IndicativePrice
from pricetime.load.server import free_udp_port
from pricetime.prices import decimals
from pricetime.types import ReportKind
from pricetime.wire.messages import (
    SIZES,
    ExecutionReport,
    Message,
    RetransmitReply,
    SnapshotHeader,
    SnapshotInstrument,
    decode,
)
from tests.client.network import BadNetwork, PublicFeed, Reports


def auction_fields(auction: IndicativePrice | None) -> dict[str, int]:
    """What the last auction sets in a SnapshotInstrument."""
    if auction is None:
        return {}
    return {
        "auction": ReportKind.UNCROSSED if auction.final else ReportKind.INDICATIVE,
        "auction_priced": auction.price is not None,
        "surplus_side": auction.side or 0,
        "auction_price": auction.price or 0,
        "auction_quantity": auction.quantity,
        "surplus": auction.surplus,
    }


def answer_bytes(answer: Answer) -> bytes:
    """An answer as it crosses a socket."""
    if isinstance(answer, RangeAnswer):
        head = RetransmitReply(
            status=answer.status,
            count=len(answer.reports) // ExecutionReport.SIZE,
            seq_num=answer.seq_num,
            next_sequence=answer.next_sequence,
            epoch=answer.epoch,
            checksum=answer.checksum,
        )
        return head.encode() + answer.reports
    seq_num, instruments, orders, digest, checksum, auctions = answer.snapshot
    header = SnapshotHeader(
        instruments=len(instruments),
        seq_num=seq_num,
        orders=len(orders),
        digest=digest,
        epoch=answer.epoch,
        checksum=checksum,
    )
    sent = [
        SnapshotInstrument(
            phase=one.phase,
            instrument=one.id,
            tick_size=one.tick_size,
            lot_size=one.lot_size,
            low_price=-(2**63) if one.low_price is None else one.low_price,
            high_price=2**63 - 1 if one.high_price is None else one.high_price,
            price_decimals=decimals(one.price_unit),
            price_unit=int(one.price_unit.scaleb(decimals(one.price_unit))),
            symbol=one.symbol.encode(),
            **auction_fields(auction),
        )
        for one, auction in zip(instruments, auctions or [None] * len(instruments), strict=True)
    ]
    return b"".join([header.encode(), *(one.encode() for one in sent), orders.tobytes()])


class Served:
    """A ``PublicFeed`` whose datagrams go to a group, and whose answers are served. ``network``: of the datagrams."""

    def __init__(self, feed: PublicFeed, group: str = "239.255.77.9", network: BadNetwork | None = None) -> None:
        self.feed, self.group, self.network = feed, group, network or BadNetwork(0, 0, 0, 0)
        self.lock = threading.Lock()
        self.deaf = False  #: takes questions and answers none
        self.silent = False  #: closes each connection at its first question
        self.slow = False  #: sends a byte at a time
        self.questions: list[Message] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = free_udp_port()
        self.recovery: tuple[str, int] = self._listener.getsockname()
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def publish(self, commands: Reports, most: int = 30) -> None:
        with self.lock:
            datagrams = self.feed.publish(self.feed.engine.apply(commands), most)
        for datagram in datagrams:
            self.send(datagram)

    def heartbeat(self) -> None:
        self.send(self.feed.heartbeat())

    def send(self, datagram: bytes) -> None:
        for arrives in self.network.carry(datagram):
            self._udp.sendto(arrives, (self.group, self.port))

    def restart(self, feed: PublicFeed) -> None:
        with self.lock:
            self.feed = feed

    def drop_connections(self) -> None:
        for connection in self._connections:
            shut(connection)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()[0]
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connections.append(connection)
            self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        received = b""
        try:
            while data := connection.recv(4096):
                received += data
                while received and len(received) >= SIZES[received[0]]:
                    size = SIZES[received[0]]
                    self._answer(connection, decode(received[:size]))
                    received = received[size:]
        except OSError:
            pass
        finally:
            connection.close()

    def _answer(self, connection: socket.socket, request: Message) -> None:
        if self.silent:
            raise ConnectionError
        if self.deaf:
            return
        self.questions.append(request)
        with self.lock:
            answer = answer_bytes(self.feed.answer(request))
        for at in range(0, len(answer), step := 1 if self.slow else len(answer)):
            connection.sendall(answer[at : at + step])

    def close(self) -> None:
        shut(self._listener)
        self.drop_connections()
        for thread in self._threads:
            thread.join()
        self._udp.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def shut(connection: socket.socket) -> None:
    """Close a socket that a second thread waits at."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
