"""The compiled receiver and the plain one: what is next goes into the books, anything else to the caller."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, REPORT
from pricetime.client.plain_receiver import PlainReceiver
from pricetime.core.builder import BookBuilder
from pricetime.native.crc import linked_records
from tests.core.test_builder import accepted, report, reports

if COMPILED:
    from pricetime.client.receiver import Receiver

RECEIVERS: list[Any] = [Receiver, PlainReceiver] if COMPILED else [PlainReceiver]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ends[1].setblocking(False)
    yield ends
    for end in ends:
        end.close()


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.parametrize("kind", RECEIVERS)
class TestBoth:
    def test_what_is_next_is_applied(self, kind: Any, pair: Pair) -> None:
        builder = BookBuilder([1], capacity=20)
        receiver = kind(pair[1].fileno(), builder)
        assert receiver.receive(10, True) == (0, [])
        for first in (1, 3, 5):
            pair[0].send(reports(accepted(first), accepted(first + 1), first=first).tobytes())
        assert receiver.receive(2, True) == (2, [])
        assert builder.seq_num == 4
        assert receiver.receive(10, True) == (1, [])
        assert receiver.receive(10, True) == (0, [])
        assert builder.seq_num == 6

    def test_the_reports_that_were_applied_last(self, kind: Any, pair: Pair) -> None:
        receiver = kind(pair[1].fileno(), BookBuilder([1], capacity=20))
        sent = reports(accepted(1), accepted(2)).tobytes()
        pair[0].send(sent)
        assert receiver.receive(1, True) == (1, [])
        assert receiver.applied_reports() == sent
        sent = reports(accepted(3), accepted(3), first=3).tobytes()
        pair[0].send(sent)
        assert receiver.receive(1, True) == (0, [sent[48:]])
        assert receiver.applied_reports() == sent[:48]

    def test_the_checksum_goes_on_over_what_is_applied(self, kind: Any, pair: Pair) -> None:
        receiver = kind(pair[1].fileno(), BookBuilder([1], capacity=20))
        receiver.checksum = 0x1234
        first, second = reports(accepted(1), accepted(2)), reports(accepted(3), accepted(3), first=3)
        for sent in (first, second):  # the last report does not fit
            pair[0].send(sent.tobytes())
            receiver.receive(1, True)
        assert receiver.checksum == linked_records(0x1234, (first.tobytes() + second.tobytes())[:-48], 48)
        pair[0].send(reports(accepted(4), first=4).tobytes())
        before = receiver.checksum
        receiver.receive(1, False)
        assert receiver.checksum == before, "nothing was applied"

    @pytest.mark.parametrize("follow", [True, False])
    @pytest.mark.parametrize(
        "datagram", [b"", b"x", b"\x10" * 47, b"\x10" * 100, reports(accepted(9), first=7).tobytes()]
    )
    def test_anything_else_goes_to_the_caller(self, kind: Any, pair: Pair, follow: bool, datagram: bytes) -> None:
        builder = BookBuilder([1], capacity=20)
        receiver = kind(pair[1].fileno(), builder)
        pair[0].send(datagram)
        pair[0].send(reports(accepted(1)).tobytes())
        assert receiver.receive(10, follow) == (0, [datagram])
        assert builder.seq_num == 0
        assert receiver.receive(10, True) == (1, [])

    def test_nothing_is_applied_without_follow(self, kind: Any, pair: Pair) -> None:
        builder = BookBuilder([1], capacity=20)
        receiver = kind(pair[1].fileno(), builder)
        sent = reports(accepted(1)).tobytes()
        pair[0].send(sent)
        assert receiver.receive(10, False) == (0, [sent])
        assert receiver.receive(10, False) == (0, [])
        assert receiver.applied_reports() == b""
        assert builder.seq_num == 0

    def test_a_socket_that_is_broken(self, kind: Any, pair: Pair) -> None:
        receiver = kind(9_999, BookBuilder([1], capacity=20))
        for follow in (True, False):
            with pytest.raises(OSError, match="descriptor"):
                receiver.receive(1, follow)


@pytest.mark.compiled
def test_a_piece_of_several_datagrams_is_cut_into_runs(pair: Pair) -> None:
    """Datagrams as the kernel joins them: consecutive ones together, others alone."""
    builder = BookBuilder([1], capacity=20)
    receiver = Receiver(pair[1].fileno(), builder)
    made = reports(*[accepted(n) for n in range(1, 11)])
    heartbeat = np.zeros(1, REPORT)
    heartbeat["type"] = 48
    parts = [made[:3], heartbeat, made[3:5], made[7:10], made[5:6], heartbeat]
    pair[0].send(np.concatenate(parts).tobytes())
    _, runs = receiver.receive(10, True)
    assert builder.seq_num == 3
    assert runs == [part.tobytes() for part in parts[1:]]


@pytest.mark.compiled
def test_a_report_that_does_not_fit_is_left_to_the_caller(pair: Pair) -> None:
    builder = BookBuilder([1], capacity=20)
    receiver = Receiver(pair[1].fileno(), builder)
    sent = reports(accepted(1), report(3, order_id=9), accepted(2))
    pair[0].send(sent.tobytes())
    assert receiver.receive(10, True) == (0, [sent[1:].tobytes()])
    assert builder.seq_num == 1


@pytest.mark.skipif(not COMPILED, reason="the plain receiver looks once, and its caller again")
@pytest.mark.parametrize("spins", [True, False])
def test_one_that_spins_finds_what_comes_while_it_looks(spins: bool, pair: Pair) -> None:
    builder = BookBuilder([1], capacity=20)
    receiver = Receiver(pair[1].fileno(), builder, spins)
    assert receiver.receive(10, True) == (0, [])  # nothing comes: it does not look for ever
    for first in range(1, 12):
        pair[0].send(reports(accepted(first), first=first).tobytes())
    assert receiver.receive(20, True) == (11, [])
    assert builder.seq_num == 11
