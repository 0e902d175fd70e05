"""Sessions: how they begin, what each owner receives, how its stream outlives its connections, and how they end."""

import gc
import random
import socket
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime import IOC
from pricetime.errors import SnapshotMismatch
from pricetime.log.snapshot import OWNER
from pricetime.types import COMMAND, REPORT, Reason, ReportKind
from pricetime.wire.messages import ExecutionReport, Heartbeat, LoginAccepted, LoginRejected, Logout
from pricetime.wire.session import Role
from pricetime.wire.types import LoginFlag, SessionReason
from tests.exchange.harness import Client, Harness, harness, kinds
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, cancel, mass_cancel, new, reduce, replace
from tests.exchange.orders import open_orders as ask_open_orders

ACCEPTED, TRADE, CANCELLED, REPLACED, REDUCED, _, REJECTED, MASS_CANCELLED = list(ReportKind)[:8]
BEGAN, ENDED, REFUSED = 1, 2, 3


def numbers(client: Client) -> list[int]:
    return [report.seq_num for report in client.reports()]


# ---------------------------------------------------------------------- a session begins


def test_the_login_reply() -> None:
    with harness(heartbeat_ms=700, timeout_ms=9000, orders_per_second=500) as here:
        client = here.client(7, keep_orders=True)
        assert client.heard == [
            LoginAccepted(
                owner=7, flags=LoginFlag.KEEP_ORDERS, next_sequence=1, oldest_sequence=1, heartbeat_ms=700,
                timeout_ms=9000, orders_per_second=500, term=1,
            )
        ]  # fmt: skip
        assert here.events() == [(BEGAN, 7, 0)]
        assert here.exchange.stats()["sessions"] == 1


@pytest.mark.parametrize("owner", [1, 2, 255, 256, 32768, 65534, 65535])
def test_the_smallest_and_the_largest_owner(owner: int) -> None:
    with harness() as here:
        client = here.client(owner)
        reports = client.ask(new(2**48 - 1), new(0), cancel(2**48 - 1), mass_cancel(5))
        assert kinds(reports) == [ACCEPTED, ACCEPTED, CANCELLED, CANCELLED, MASS_CANCELLED]
        assert [report.order_id for report in reports] == [2**48 - 1, 0, 2**48 - 1, 0, 5]


@pytest.mark.parametrize("streams", [0, 2, 64])
def test_memory_of_streams_is_prefaulted_for_the_first_owners(streams: int) -> None:
    with harness(stream_reports=128, outbound_bytes=4096) as here:
        sessions = here.exchange.machine.streams
        sessions.prefault(streams)
        assert sessions.spare_count == streams
        clients = [here.client(owner) for owner in (1, 2, 3)]
        assert sessions.spare_count == max(0, streams - 3)
        for owner, client in enumerate(clients, 1):
            fill(client, 100 + owner)
            assert numbers(client) == list(range(1, 101 + owner))
        assert here.client(2, resume_from=1).of(LoginAccepted)[0].next_sequence == 1
        assert sessions.spare_count == max(0, streams - 3)


def fill(client: Client, count: int) -> None:
    """So many reports in its stream."""
    client.ask(*(cancel(n) for n in range(count)))


@pytest.mark.parametrize("count", [0, 1, 10, 127, 128, 129, 300])
def test_resume_from_any_report_that_is_kept(count: int) -> None:
    with harness(stream_reports=128, outbound_bytes=4096, max_clients=1, cancel_on_disconnect=False) as here:
        fill(here.client(1), count)
        oldest = max(1, count + 1 - 128)
        for first in range(oldest, count + 2):
            client = here.client(1, resume_from=first)
            assert client.of(LoginAccepted)[0].next_sequence == first
            assert client.of(LoginAccepted)[0].oldest_sequence == oldest
            assert numbers(client) == list(range(first, count + 1))
            assert [report.order_id for report in client.reports()] == [n - 1 for n in numbers(client)]
        here.events()
        for first in {oldest - 1, count + 2, count + 100, 2**62} - {0}:
            client = here.client(1, resume_from=first)
            assert client.heard[0] == LoginRejected(
                reason=SessionReason.SEQUENCE_GONE, owner=1, oldest_sequence=oldest, term=1
            )  # fmt: skip
            assert here.events()[-1] == (REFUSED, 1, SessionReason.SEQUENCE_GONE)
        assert here.client(1, resume_from=count + 1).is_active


def test_without_resume_only_what_is_new_is_sent() -> None:
    with harness(cancel_on_disconnect=False) as here:
        fill(here.client(1), 10)
        client = here.client(1)
        assert client.of(LoginAccepted)[0].next_sequence == 11
        assert client.reports() == []
        client.ask(cancel(1))
        assert numbers(client) == [11]


def test_the_same_owner_anew() -> None:
    with harness() as here:
        old = here.client(1, tcp=True)
        old.ask(new(1))
        other = here.client(2)
        again = here.client(1, resume_from=1)
        old.receive()
        assert old.of(Logout)[0] == Logout(reason=SessionReason.SUPERSEDED, next_sequence=2)
        assert (old.is_cut, old.was_reset) == (True, False) or old.end.by is Role.EXCHANGE
        here.settle()
        again.receive()
        assert kinds(again.reports()) == [ACCEPTED, CANCELLED, MASS_CANCELLED], "its orders went with the old session"
        assert kinds(again.ask(new(1))) == [ACCEPTED]
        assert other.is_active
        assert here.events() == [(BEGAN, 1, 0), (BEGAN, 2, 0), (ENDED, 1, SessionReason.SUPERSEDED), (BEGAN, 1, 0)]


def test_a_rejected_login_does_not_end_the_current_session() -> None:
    with harness() as here:
        client = here.client(1)
        client.ask(new(1))
        refused = here.client(1, resume_from=99)
        assert refused.of(LoginRejected)[0].reason == SessionReason.SEQUENCE_GONE
        assert kinds(client.ask(cancel(1))) == [CANCELLED]


def test_too_many_clients() -> None:
    with harness(max_clients=3) as here:
        clients = [here.client(owner) for owner in (1, 2, 3)]
        refused = here.client(4)
        assert refused.heard[0] == LoginRejected(reason=SessionReason.TOO_MANY_CLIENTS, owner=4, term=1)
        assert here.client(3).is_active, "its own place is free for it"
        clients[0].close()
        here.settle()
        assert here.client(4).is_active


# ---------------------------------------------------------------------- streams in a snapshot


def streams_of(here: Harness, most: int = 2**40) -> tuple[NDArray[np.void], NDArray[np.void]]:
    owners, reports = here.exchange.machine.streams.dump(most)
    return owners, reports


def test_only_owners_that_have_reports_have_a_stream() -> None:
    with harness() as here:
        assert [len(part) for part in streams_of(here)] == [0, 0]
        here.client(5)
        assert [len(part) for part in streams_of(here)] == [0, 0], "a login alone is not in the journal"
        fill(here.client(65535), 3)
        fill(here.client(1), 2)
        owners, reports = streams_of(here)
        assert owners.tolist() == [(1, 2, 3), (65535, 3, 4)]
        assert (owners.dtype, reports.dtype) == (OWNER, REPORT)
        assert reports["seq_num"].tolist() == [1, 2, 1, 2, 3]
        assert reports["order_id"].tolist() == [0, 1, 0, 1, 2]


@pytest.mark.parametrize("most", [0, 1, 127, 128, 129, 10**6])
@pytest.mark.parametrize("count", [1, 127, 128, 129, 300])
def test_the_newest_reports_of_each_are_dumped(count: int, most: int) -> None:
    with harness(stream_reports=128, outbound_bytes=4096) as here:
        fill(here.client(3), count)
        owners, reports = streams_of(here, most)
        kept = min(count, most, 128)
        assert owners.tolist() == [(3, kept, count + 1)]
        assert reports["seq_num"].tolist() == list(range(count + 1 - kept, count + 1))
        assert reports["order_id"].tolist() == [number - 1 for number in reports["seq_num"].tolist()]


@pytest.mark.parametrize("room", [128, 256, 1024])
@pytest.mark.parametrize("most", [0, 1, 128, 200, 1000])
def test_a_client_resumes_what_was_loaded_and_not_what_is_older(most: int, room: int) -> None:
    with harness(stream_reports=256, outbound_bytes=4096) as here:
        fill(here.client(3), 300)
        owners, reports = streams_of(here, most)
    with harness(stream_reports=room, outbound_bytes=4096, cancel_on_disconnect=False) as here:
        here.exchange.machine.streams.load(owners, reports)
        oldest = 301 - min(most, 256, room)
        assert here.client(3, resume_from=oldest - 1).heard[0] == LoginRejected(
            reason=SessionReason.SEQUENCE_GONE, owner=3, oldest_sequence=oldest, term=1
        )
        client = here.client(3, resume_from=oldest)
        accepted = client.of(LoginAccepted)[0]
        assert (accepted.next_sequence, accepted.oldest_sequence) == (oldest, oldest)
        assert numbers(client) == list(range(oldest, 301))
        assert [report.order_id for report in client.reports()] == [number - 1 for number in numbers(client)]
        [report] = client.ask(cancel(7))
        assert report.seq_num == 301
        fill(client, 2 * room)
        oldest = 302 + room
        assert here.client(3).of(LoginAccepted)[0].oldest_sequence == oldest
        assert numbers(here.client(3, resume_from=oldest)) == list(range(oldest, oldest + room))
        assert kinds(here.client(4).ask(cancel(1))) == [REJECTED], "who was not in it begins with 1"


def test_what_is_loaded_is_dumped_again() -> None:
    with harness() as here:
        for owner in (1, 7, 400, 65535):
            fill(here.client(owner), owner % 50)
        owners, reports = streams_of(here, 20)
    with harness() as here:
        here.exchange.machine.streams.load(owners, reports)
        again = streams_of(here)
        assert [part.tobytes() for part in again] == [owners.tobytes(), reports.tobytes()]
        assert here.client(2).of(LoginAccepted)[0].next_sequence == 1


def headers(*rows: tuple[int, int, int]) -> NDArray[np.void]:
    return np.array(list(rows), OWNER)


def numbered(*numbers: int) -> NDArray[np.void]:
    reports = np.zeros(len(numbers), REPORT)
    reports["seq_num"] = numbers
    return reports


@pytest.mark.parametrize(
    ("owners", "reports"),
    [
        (headers((0, 1, 2)), numbered(1)),
        (headers((65536, 1, 2)), numbered(1)),
        (headers((2, 1, 2), (1, 1, 2)), numbered(1, 1)),
        (headers((2, 1, 2), (2, 1, 2)), numbered(1, 1)),
        (headers((2, 2, 3)), numbered(1)),
        (headers((2, 2, 3)), numbered(1, 2, 3)),
        (headers((2, 3, 3)), numbered(0, 1, 2)),
        (headers((2, 1, 0)), numbered(2**64 - 1)),
        (headers((2, 2, 9)), numbered(6, 7)),
        (headers((2, 2, 9), (3, 1, 2)), numbered(7, 1, 8)),
        (headers(), numbered(1)),
    ],
)
def test_what_cannot_be_streams_changes_nothing(owners: NDArray[np.void], reports: NDArray[np.void]) -> None:
    with harness() as here:
        with pytest.raises(SnapshotMismatch):
            here.exchange.machine.streams.load(owners, reports)
        assert [len(part) for part in streams_of(here)] == [0, 0]
        here.exchange.machine.streams.load(headers((2, 1, 9)), numbered(8))


def test_only_new_sessions_are_loaded() -> None:
    with harness() as here:
        here.client(9)
        with pytest.raises(SnapshotMismatch, match="owner 9 already has a stream"):
            here.exchange.machine.streams.load(headers((2, 1, 9)), numbered(8))


def test_a_stream_begins_with_its_first_report_without_a_login() -> None:
    """As in a replay: the orders are in the books, and no owner has logged in."""
    with harness(cancel_on_disconnect=False) as here:
        for owner in (3, 4):
            resting = np.zeros(1, COMMAND)
            resting["type"], resting["side"], resting["instrument"], resting["price"] = 1, BID, 1, 100
            resting["quantity"], resting["order_id"], resting["owner"] = 5, owner << 48 | 7, owner
            here.exchange.engine.apply(resting)
        here.client(1).send(new(1, ASK, 100, 10))
        here.iterate(3)  # the follower, which knows nothing of the two orders, is left out
        assert streams_of(here)[0].tolist() == [(1, 3, 4), (3, 1, 2), (4, 1, 2)]
        [report] = here.client(3, resume_from=1).reports()
        assert (report.kind, report.reason, report.order_id, report.seq_num) == (TRADE, Reason.AS_MAKER, 7, 1)


def test_an_order_without_owner_has_no_stream() -> None:
    with harness() as here:
        resting = np.zeros(1, COMMAND)
        resting["type"], resting["side"], resting["instrument"], resting["price"] = 1, BID, 1, 100
        resting["quantity"], resting["order_id"] = 5, 7
        here.exchange.engine.apply(resting)
        here.client(1).send(new(1, ASK, 100, 5))
        here.iterate(3)
        assert streams_of(here)[0].tolist() == [(1, 2, 3)]


# ---------------------------------------------------------------------- owners are apart


def test_an_owner_cannot_change_block_or_see_foreign_orders() -> None:
    """Whatever the id is, and the owner that a message names."""
    with harness() as here:
        victim, thief = here.client(0x1234), here.client(1)
        victim.ask(new(5, BID, 100, 10), new(6, BID, 99, 10))
        reference = int(here.feed.reports()["order_id"][0])
        guesses = [5, 6, 0x1234 << 48 | 5, reference, 1 << 48 | 5, 2**64 - 1]
        for guess in guesses:
            for message in (cancel(guess), reduce(guess, 1), replace(guess, 100, 1)):
                [report] = thief.ask(message)
                assert report.kind == REJECTED
                reason = Reason.INVALID_ORDER_ID if guess >> 48 else Reason.UNKNOWN_ORDER
                assert report.reason == reason, "an id of a different owner gives the same reject as an unknown id"
        assert thief.ask(mass_cancel(1))[0].quantity == 0
        assert kinds(thief.ask(new(5), cancel(5))) == [ACCEPTED, CANCELLED]
        assert victim.receive() == []
        assert kinds(victim.ask(cancel(5), cancel(6))) == [CANCELLED, CANCELLED]


# ---------------------------------------------------------------------- which orders are open


def test_the_throttle_counts_a_question_as_many_orders() -> None:
    with harness(orders_per_second=1, burst=40) as here:
        client = here.client(1)
        reports = client.ask(*[ask_open_orders(n) for n in range(4)])
        assert [r.reason for r in reports] == [0, 0, Reason.THROTTLED, Reason.THROTTLED]
        reports = client.ask(*[new(n) for n in range(9)])
        assert [r.kind for r in reports] == [ACCEPTED] * 8 + [REJECTED]


# ---------------------------------------------------------------------- mass cancels and what a lost session leaves


def open_orders(here: Harness) -> int:
    return len(here.exchange.engine)


@pytest.mark.parametrize("how", ["closed", "reset", "logout", "nonsense", "superseded", "timeout"])
@pytest.mark.parametrize("keeps", [False, True])
def test_the_orders_of_a_session_that_ended(how: str, keeps: bool) -> None:
    with harness(heartbeat_ms=20, timeout_ms=100) as here:
        other = here.client(2)
        client = here.client(1, keep_orders=keeps, tcp=True)
        client.send(new(1), new(2, instrument=2))
        other.send(new(1))
        here.settle()
        assert open_orders(here) == 3
        again: Client | None = None
        if how in {"closed", "reset"}:
            client.close(reset=how == "reset")
        elif how == "logout":
            client.send_bytes(client.session.logout(0))
        elif how == "nonsense":
            client.send_bytes(b"\xff")
        elif how == "superseded":
            again = here.client(1, resume_from=3)
        sessions = 2 if again else 1
        wanted = 3 if keeps else 1

        def over() -> bool:
            other.send(Heartbeat())
            other.receive()
            for who in here.clients[2:]:  # the one that came again
                who.send(Heartbeat())
                who.receive()
            done: bool = here.exchange.stats()["sessions"] == sessions and open_orders(here) == wanted
            if how in {"logout", "nonsense", "timeout"} and client.socket.fileno() >= 0:
                client.receive()
                if client.session.closed:
                    client.close()
            return done

        here.until(over)
        here.settle()
        if again is None:
            again = here.client(1, resume_from=3)
        again.receive()
        if keeps:
            assert again.reports() == []
        else:
            assert kinds(again.reports()) == [CANCELLED, CANCELLED, MASS_CANCELLED]
            assert [r.reason for r in again.reports()] == [Reason.BY_DISCONNECT, Reason.BY_DISCONNECT, 0]
            assert [r.order_id for r in again.reports()] == [1, 2, 0]


def test_cancel_on_disconnect_can_be_off_for_all() -> None:
    with harness(cancel_on_disconnect=False) as here:
        client = here.client(1)
        client.ask(new(1))
        client.close()
        here.settle()
        assert open_orders(here) == 1


# ---------------------------------------------------------------------- a session ends


@pytest.mark.parametrize("tcp", [False, True])
def test_a_logout_is_answered(tcp: bool) -> None:
    with harness() as here:
        client = here.client(1, tcp=tcp)
        client.ask(new(1))
        client.send_bytes(client.session.logout(0))
        here.iterate(3)
        client.receive()
        assert client.of(Logout) == [Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=2)]
        assert client.end == (SessionReason.CLIENT_LOGOUT, Role.EXCHANGE, "", b"")
        assert client.socket.recv(1) == b""
        client.close()
        here.iterate(3)
        assert here.exchange.stats()["sessions"] == 0
        assert here.events() == [(BEGAN, 1, 0), (ENDED, 1, SessionReason.CLIENT_LOGOUT)]


def test_what_was_sent_before_a_logout_is_answered_before_it() -> None:
    with harness(ring_capacity=64) as here:
        client = here.client(1, keep_orders=True)
        client.send_bytes(b"".join(new(n).encode() for n in range(300)) + client.session.logout(0))
        here.settle()
        client.receive()
        assert [report.order_id for report in client.reports()] == list(range(300))
        assert client.of(Logout) == [Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=301)]


def test_who_says_no_more_after_a_logout_has_its_answers() -> None:
    with harness(ring_capacity=16) as here:
        client = here.client(1, tcp=True, keep_orders=True)
        client.send_bytes(b"".join(new(n).encode() for n in range(100)) + client.session.logout(0))
        client.socket.shutdown(socket.SHUT_WR)
        client.drain()
        assert len(client.reports()) == 100
        assert client.end.reason == SessionReason.CLIENT_LOGOUT


@pytest.mark.parametrize("reads", [True, False])
def test_the_logout_of_a_slow_reader(reads: bool) -> None:
    """It has all its reports first, unless it does not take them; then they are left for a resume."""
    with harness() as here:
        client = here.client(1, sndbuf=4608)
        client.send(*(cancel(n) for n in range(1000)))
        here.settle()
        client.send_bytes(client.session.logout(0))
        if reads:
            here.until(lambda: client.receive(500) and client.session.closed)
            assert len(client.reports()) == 1000
        else:
            here.until(lambda: here.exchange.stats()["sessions"] == 0)
            client.receive()
            assert client.is_cut
            assert len(client.reports()) < 1000
        again = here.client(1, resume_from=len(client.reports()) + 1)
        again.drain()
        reports = client.reports() + again.reports()
        assert [r.order_id for r in reports if r.kind == REJECTED] == list(range(1000))


@pytest.mark.parametrize(
    "more", [b"\x24" + bytes(15), b"\xff" * 1000, bytes(2_000_000)], ids=["a little", "bad", "much"]
)
@pytest.mark.parametrize("leave", [True, False], ids=["logout", "unknown type"])
def test_a_farewell_reaches_a_client_that_still_sends(leave: bool, more: bytes) -> None:
    """No reset destroys it on the way."""
    with harness() as here:
        client = here.client(1, tcp=True)
        client.send_bytes(client.session.logout(0) if leave else b"\xfe")
        client.send_bytes(more)
        here.iterate(5)
        client.send_bytes(more)
        here.iterate(20)
        client.receive()
        assert not client.was_reset
        reason = SessionReason.CLIENT_LOGOUT if leave else SessionReason.UNKNOWN_TYPE
        assert client.of(Logout) == [Logout(reason=reason, next_sequence=1)]
        assert client.socket.recv(1) == b""
        client.close()
        here.until(lambda: here.exchange.stats()["sessions"] == 0)


def test_who_does_not_take_the_farewell_is_not_waited_for() -> None:
    with harness() as here:
        client = here.client(1)
        client.send_bytes(client.session.logout(0))
        began = time.monotonic()
        here.until(lambda: here.exchange.stats()["sessions"] == 0)
        assert time.monotonic() - began > 0.9


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0", SessionReason.UNKNOWN_TYPE),
        (b"\xff" * 100, SessionReason.UNKNOWN_TYPE),
        (bytes([5]), SessionReason.UNKNOWN_TYPE),
        (bytes([33]), SessionReason.OUT_OF_STATE),
        (ExecutionReport(seq_num=1).encode(), SessionReason.OUT_OF_STATE),
    ],
)
def test_what_cannot_be_answered_ends_the_session_alone(data: bytes, reason: SessionReason) -> None:
    with harness() as here:
        client, other = here.client(1, tcp=True), here.client(2)
        client.send_bytes(new(1).encode() + data + new(2).encode())
        here.settle()
        client.receive()
        assert client.of(Logout)[0].reason == reason
        assert here.events()[-1] == (ENDED, 1, reason)
        assert kinds(other.ask(new(1))) == [ACCEPTED]
        again = here.client(1, resume_from=1)
        first = again.reports()[0]
        assert (first.kind, first.order_id) == (ACCEPTED, 1), "what came before it counts"
        assert len([r for r in again.reports() if r.kind == ACCEPTED]) == 1


def test_too_many_orders() -> None:
    with harness(orders_per_second=1, burst=5, relogin_delay_ms=1) as here:
        client, other = here.client(1, tcp=True), here.client(2)
        client.send(*(new(n) for n in range(200)))
        here.settle()
        client.receive()
        assert client.end.reason == SessionReason.THROTTLE_EXCEEDED
        time.sleep(0.002)
        again = here.client(1, resume_from=client.reports()[-1].seq_num + 1 if client.reports() else 1)
        reports = [*client.reports(), *again.reports()]
        throttled = [r for r in reports if r.reason == Reason.THROTTLED]
        assert len([r for r in reports if r.kind == ACCEPTED]) in range(5, 20)
        assert len(throttled) >= 101
        assert kinds(other.ask(new(1))) == [ACCEPTED]
        assert again.ask(new(2**60)) == []
        assert again.end.reason == SessionReason.THROTTLE_EXCEEDED, "what the last session was refused still counts"
        time.sleep(0.002)
        rest = here.client(1, resume_from=len(reports) + 1).reports()
        assert [r.order_id for r in rest if r.reason == Reason.THROTTLED] == [2**60]


def test_who_asked_too_fast_waits_before_the_next_login() -> None:
    with harness(orders_per_second=10, burst=5, relogin_delay_ms=600_000) as here:
        client = here.client(1)
        client.send(*(new(n) for n in range(200)))
        here.settle()
        client.receive()
        assert client.end.reason == SessionReason.THROTTLE_EXCEEDED
        taken = here.exchange.stats()["commands"]
        for _ in range(20):
            assert here.client(1).end.reason == SessionReason.LOGIN_TOO_SOON
        assert here.exchange.stats()["commands"] == taken
        assert (3, 1, SessionReason.LOGIN_TOO_SOON) in here.events()
        assert here.client(2).is_active


def test_logging_in_again_and_again_gives_no_more_commands() -> None:
    """Each session is left before the throttle ends it. What one owner adds to the journal is bounded all the same."""
    with harness(orders_per_second=100, burst=5, relogin_delay_ms=1) as here:
        logins, began = 0, time.monotonic()
        for _ in range(200):
            client = here.client(1)
            logins += client.is_active
            if client.is_active:
                client.send(*(new(n) for n in range(50)))
                here.iterate(3)
            client.close()
            here.iterate(2)
        seconds = time.monotonic() - began
        # orders, cancels at twice the rate, bursts of both, and refusals until the session ends: 100, again each second
        assert here.exchange.stats()["commands"] < 400 * (seconds + 1) + 200
        assert 0 < logins < 200


# ---------------------------------------------------------------------- time


def test_what_waits_in_the_sockets_is_heard_before_silence_is_judged() -> None:
    """A pause of the process; then more sockets are ready than epoll tells of at once."""
    small = {"max_clients": 600, "stream_reports": 128, "outbound_bytes": 4096}
    with harness(heartbeat_ms=1000, timeout_ms=2000, **small) as here:
        clients = []
        for owner in range(1, 601):
            clients.append(here.client(owner))
            if owner % 50 == 0:
                for client in clients:
                    client.send(Heartbeat(next_sequence=1))
                here.iterate(5)
        for client in clients:
            assert client.socket.send(Heartbeat(next_sequence=1).encode())
        time.sleep(2.1)
        here.iterate(4)
        assert here.exchange.stats()["sessions"] == 600
        assert not [event for event in here.events() if event[0] == 2]


@pytest.mark.parametrize("logs_out", [False, True])
def test_a_client_that_waits_for_its_answers_is_not_silent(logs_out: bool, tmp_path: Path) -> None:
    """Its commands are not on the disk: it is not read because there is no room, or has said Logout."""
    here = Kept(tmp_path / "j", acknowledge="durable", ring_capacity=16, heartbeat_ms=20, timeout_ms=60)
    client = here.client(1)
    if logs_out:
        client.send(cancel(1), Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=1))
    else:
        client.send(*(cancel(n) for n in range(100)))
    deadline = time.monotonic() + 0.3
    while time.monotonic() < deadline:
        here.iterate()
    assert here.exchange.stats()["sessions"] == 1
    here.close()


def test_the_exchange_is_heard_of_and_tells_where_it_is() -> None:
    with harness(heartbeat_ms=10, timeout_ms=60_000) as here:
        client = here.client(1)
        here.until(lambda: client.receive() and len(client.of(Heartbeat)) >= 2)
        client.ask(cancel(1), cancel(2))
        seen = len(client.of(Heartbeat))
        here.until(lambda: client.receive() and len(client.of(Heartbeat)) > seen + 1)
        assert client.of(Heartbeat)[0] == Heartbeat(next_sequence=1)
        assert client.of(Heartbeat)[-1] == Heartbeat(next_sequence=3)
        assert client.is_active


def test_a_client_that_is_not_heard_of_is_dropped() -> None:
    with harness(heartbeat_ms=20, timeout_ms=60) as here:
        silent, lively, slow = here.client(1), here.client(2), here.client(3)
        rest = memoryview(new(1).encode() * 100)

        def over() -> bool:
            nonlocal rest
            lively.send(Heartbeat(next_sequence=1))
            slow.send_bytes(bytes(rest[:1]))  # any byte counts
            rest = rest[1:]
            silent.receive()
            lively.receive()
            slow.receive()
            time.sleep(0.001)
            return silent.is_cut or not silent.is_active

        here.until(over)
        assert silent.end.reason == SessionReason.HEARTBEAT_TIMEOUT
        assert silent.of(Logout) == [Logout(reason=SessionReason.HEARTBEAT_TIMEOUT, next_sequence=1)]
        assert lively.is_active
        assert slow.is_active


def test_no_heartbeat_where_there_are_reports() -> None:
    with harness(heartbeat_ms=200) as here:
        client = here.client(1)
        end = time.monotonic() + 0.5
        gap_ns, last = 0, time.monotonic_ns()
        while time.monotonic() < end:
            client.ask(cancel(1))
            gap_ns, last = max(gap_ns, time.monotonic_ns() - last), time.monotonic_ns()
        assert client.of(Heartbeat) == [] or gap_ns > 150_000_000


# ---------------------------------------------------------------------- readers that are slow


def test_a_slow_reader_is_disconnected_and_can_resume() -> None:
    with harness(outbound_bytes=4096, order_capacity=2**13) as here:
        slow, taker = here.client(1, sndbuf=4608, keep_orders=True), here.client(2)
        for first in range(0, 2000, 100):
            slow.ask(*(new(n, ASK, 100, 1) for n in range(first, first + 100)))
        assert slow.is_active
        for n in range(1500):
            taker.send(new(n, BID, 100, 1, time_in_force=IOC))
            here.iterate()
            taker.receive()
        here.settle()
        taker.receive()
        assert len([r for r in taker.reports() if r.kind == TRADE]) == 1500, "a slow client does not slow down others"
        assert here.exchange.stats()["slow_readers"] == 1
        assert (ENDED, 1, SessionReason.SLOW_READER) in here.events()
        slow.receive()
        assert slow.is_cut
        assert 2000 < len(slow.reports()) < 3500
        while len(slow.reports()) < 3500:
            again = here.client(1, sndbuf=4608, resume_from=len(slow.reports()) + 1, keep_orders=True)
            here.settle()
            for _ in range(1000):
                here.iterate()
                if not again.receive(1000):
                    break
            assert again.is_active, "a client with a backlog at its login stays connected"
            slow.heard += again.reports()
        assert numbers(slow) == list(range(1, 3501))
        trades = [r for r in slow.reports() if r.kind == TRADE]
        assert [r.order_id for r in trades] == list(range(1500))
        assert {r.reason for r in trades} == {Reason.AS_MAKER}


def test_what_is_about_to_be_overwritten_cuts_a_reader_off() -> None:
    with harness(stream_reports=128, outbound_bytes=128 * 48, ring_capacity=512) as here:
        slow = here.client(1, sndbuf=4608)
        slow.send(*(cancel(n) for n in range(400)))
        here.settle()
        slow.receive()
        assert slow.is_cut
        assert here.exchange.stats()["slow_readers"] == 1
        assert numbers(slow) == list(range(1, len(slow.reports()) + 1))
        again = here.client(1, resume_from=len(slow.reports()) + 1)
        assert again.of(LoginRejected)[0].reason == SessionReason.SEQUENCE_GONE


@pytest.mark.parametrize("seed", range(3))
def test_heartbeats_stand_between_reports_alone(seed: int) -> None:
    """However little the socket takes at a time. The client's rules would not stand a torn report."""
    rng = random.Random(seed)
    with harness(heartbeat_ms=10, timeout_ms=60_000) as here:
        client = here.client(1, sndbuf=4608 + 2 * rng.randrange(500))  # which takes pieces of a size of its own
        client.send(*(cancel(n) for n in range(500)))
        while len(client.reports()) < 500 or len(client.of(Heartbeat)) < 10:
            here.iterate()
            client.receive(rng.choice([1, 47, 48, 49, 1000, 3000]))
            assert client.is_active, client.end
            if rng.random() < 0.3:
                time.sleep(0.021)
        assert [r.order_id for r in client.reports()] == list(range(500))
        assert client.is_active
        within = 0
        for before, after in pairwise(client.heard):
            if isinstance(after, Heartbeat):
                assert isinstance(before, ExecutionReport | Heartbeat | LoginAccepted)
                at = before.seq_num + 1 if isinstance(before, ExecutionReport) else before.next_sequence
                assert after.next_sequence == at
                within += isinstance(before, ExecutionReport) and at < 501
        assert within > 0, "the test has met no report that was under way"


@pytest.mark.parametrize("seed", range(3))
def test_around_the_end_of_a_stream(seed: int) -> None:
    """Many rounds of a small ring, in pieces of any size, over many connections."""
    rng = random.Random(seed)
    with harness(stream_reports=128, outbound_bytes=4096) as here:
        client = here.client(1, tcp=True, sndbuf=4608)
        got: list[ExecutionReport] = []
        sent = 0
        while sent < 1500:
            count = rng.randint(1, 30)
            client.send(*(cancel(sent + n) for n in range(count)))
            sent += count
            here.iterate(2)
            for _ in range(50):
                client.receive(rng.choice([48, 100, 1000, 5000]))
                here.iterate()
            if rng.random() < 0.1:
                got += client.reports()
                client.close(reset=rng.random() < 0.5)
                here.iterate(3)
                client = here.client(1, tcp=True, sndbuf=4608, resume_from=len(got) + 1)
                assert client.is_active
        got += client.reports()
        answers = [r for r in got if r.kind == REJECTED]
        assert [r.seq_num for r in got] == list(range(1, len(got) + 1))
        assert [r.order_id for r in answers] == list(range(len(answers)))
        assert len(answers) == sent


def test_the_connections_of_an_exchange_end_with_it() -> None:
    made = Harness()
    client = made.client(1)
    end = client.socket.dup()
    made.close()
    del made, client
    gc.collect()
    with end:
        assert end.recv(1) == b""
