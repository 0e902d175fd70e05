"""A mass cancel of many orders: in parts, between which others have their turn, and as if it were one to its owner."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.exchange.io.mass_cancels import PARTS
from pricetime.log.directory import Directory
from pricetime.log.reader import Reader
from pricetime.log.replay import Replay
from pricetime.types import GTC_AND_GTD, CommandType, Instruction, Reason, ReportKind, TimeInForce
from pricetime.wire.messages import Heartbeat
from tests.books import dumped
from tests.exchange.harness import Client, Harness, harness, kinds
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, cancel, extension, mass_cancel, new

ACCEPTED, TRADE, CANCELLED = ReportKind.ACCEPTED, ReportKind.TRADE, ReportKind.CANCELLED
REJECTED, MASS_CANCELLED = ReportKind.REJECTED, ReportKind.MASS_CANCELLED
FIRST, PART = PARTS

#: So many that they take four commands.
MANY = FIRST + 2 * PART + 5


def fill(client: Client, orders: int = MANY, first: int = 1) -> None:
    """Bids that rest, under the ids from ``first``."""
    for start in range(0, orders, 200):
        ids = range(first + start, first + min(start + 200, orders))
        client.ask(*(new(n, BID, 10 + n % 50) for n in ids))


def open_orders(here: Harness) -> int:
    return len(here.exchange.engine)


def commands_of(folder: Path) -> Iterator[Any]:
    """What a journal holds, one by one, with the number of orders that each cancels."""
    reader = Reader(Directory(folder))
    engine = reader.configuration.make_engine()
    while not (batch := reader.read()).at_end:
        for i in range(len(batch.commands)):
            command = batch.commands[i : i + 1]
            yield command[0], int((engine.apply(command)["kind"] == CANCELLED).sum())


def test_no_command_cancels_more_than_a_part(tmp_path: Path) -> None:
    with_journal = Kept(tmp_path / "journal")
    try:
        client = with_journal.client(1)
        fill(client)
        reports = client.ask(mass_cancel(77))
        assert kinds(reports) == [CANCELLED] * MANY + [MASS_CANCELLED]
        assert (reports[-1].quantity, reports[-1].order_id, reports[-1].reason) == (MANY, 77, 0)
        assert [report.order_id for report in reports[:-1]] == list(range(1, MANY + 1))
        with_journal.commit()
    finally:
        with_journal.close()
    wanted = (CommandType.MASS_CANCEL, CommandType.CONTINUE)
    counts = [count for command, count in commands_of(tmp_path / "journal") if command["type"] in wanted]
    assert counts == [FIRST, PART, PART, 5]


def test_few_orders_take_one_command() -> None:
    with harness() as here:
        client = here.client(1)
        fill(client, FIRST)
        before = here.exchange.stats()["commands"]
        client.ask(mass_cancel())
        assert here.exchange.stats()["commands"] == before + 1


def test_other_commands_are_executed_between_two_parts() -> None:
    with harness() as here:
        client, other = here.client(1), here.client(2)
        fill(client)
        client.send(mass_cancel())
        told = []
        while open_orders(here) > 1:
            other.send(new(1, ASK, 1000), cancel(1))
            left = open_orders(here)
            here.iterate()
            told += other.receive()
            assert left - open_orders(here) <= FIRST + PART
        assert len(told) >= 2 * 3


def test_what_its_owner_sends_after_it_comes_after_its_end() -> None:
    """In the same read even, under an id that is cancelled; whole messages, and one that is cut."""
    for behind in (1, 2, 9):
        with harness() as here:
            client = here.client(1)
            fill(client)
            last = new(5, BID, 3).encode()
            sent = [mass_cancel(7), *(new(n, BID, 2) for n in range(1, behind)), mass_cancel(8, ASK)]
            data = b"".join(message.encode() for message in sent) + last
            client.send_bytes(data[:-9])
            client.drain()
            assert kinds(client.reports()[MANY:]) == [CANCELLED] * MANY + [MASS_CANCELLED] + [ACCEPTED] * (
                behind - 1
            ) + [MASS_CANCELLED]
            client.send_bytes(data[-9:])
            client.drain()
            assert kinds(client.reports()[-1:]) == [ACCEPTED if behind <= 5 else REJECTED]
            assert open_orders(here) == max(behind, 1 if behind <= 5 else 0) - (behind > 5)


def test_of_a_client_that_reads_ahead() -> None:
    """So much behind a mass cancel that the ring of commands has no room for it at once."""
    with harness(ring_capacity=64) as here:
        client = here.client(1)
        fill(client, 100)
        client.send(mass_cancel(), *(new(n, BID, 10) for n in range(1, 300)), mass_cancel(9))
        reports = client.reports(client.drain())
        wanted = [CANCELLED] * 100 + [MASS_CANCELLED] + [ACCEPTED] * 299 + [CANCELLED] * 299 + [MASS_CANCELLED]
        assert kinds(reports) == wanted
        assert reports[-1].order_id == 9


def test_after_a_mass_cancel_that_was_the_last_command() -> None:
    """Its end is known: what comes later, and begins with no command, does not wait."""
    with harness() as here:
        client = here.client(1)
        client.ask(new(1), mass_cancel())
        assert kinds(client.ask(Heartbeat(), *(new(n) for n in range(2, 52)))) == [ACCEPTED] * 50


@pytest.mark.parametrize("bad", [mass_cancel(1, side=3), mass_cancel(1, instrument=9), mass_cancel(1)._replace(zero=1)])
def test_after_a_rejected_one(bad: Any) -> None:
    with harness() as here:
        client = here.client(1)
        assert kinds(client.ask(bad, new(1), new(2), new(3))) == [REJECTED, ACCEPTED, ACCEPTED, ACCEPTED]


def test_a_client_that_leaves_behind_its_mass_cancel() -> None:
    """Its own is finished first; then come the orders that it sent after that, and go with the session."""
    with harness() as here:
        client = here.client(1)
        fill(client)
        client.send(mass_cancel(7, BID), new(1), new(2), new(3))
        client.socket.shutdown(socket.SHUT_WR)
        here.settle()
        assert open_orders(here) == 0
        again = here.client(1, resume_from=MANY + 1)
        reports = again.reports(again.heard + again.drain())
        assert kinds(reports) == [CANCELLED] * MANY + [MASS_CANCELLED] + [ACCEPTED] * 3 + [CANCELLED] * 3 + [
            MASS_CANCELLED
        ]
        assert {report.reason for report in reports[-4:-1]} == {Reason.BY_DISCONNECT}


def test_a_connection_that_breaks_behind_a_mass_cancel() -> None:
    """What was not taken yet is gone with it; the mass cancel is not, and nothing is kept for the next session."""
    with harness() as here:
        client = here.client(1, keep_orders=True)
        fill(client)
        client.send(mass_cancel(7, BID), *(new(n) for n in range(2000, 2010)))
        client.close()
        here.settle()
        assert open_orders(here) == 0
        again = here.client(1, resume_from=MANY + 1)
        again.drain()
        assert kinds(again.reports()) == [CANCELLED] * MANY + [MASS_CANCELLED]
        assert kinds(again.ask(new(3))) == [ACCEPTED]


def test_a_client_that_is_back_before_its_orders_are_gone() -> None:
    with harness() as here:
        client = here.client(1)
        fill(client)
        client.close()
        here.iterate(2)
        again = Client(here, 1, resume_from=MANY + 1)
        again.send_bytes(new(1).encode() + new(2).encode())
        assert 0 < open_orders(here) < MANY
        again.drain()
        assert kinds(again.reports()) == [CANCELLED] * MANY + [MASS_CANCELLED, ACCEPTED, ACCEPTED]


def test_no_heartbeat_comes_before_the_answer_to_a_mass_cancel_of_the_session_before() -> None:
    """A client that resumes takes the first one as the end of what it will hear of its earlier commands."""
    with harness(heartbeat_ms=10) as here:
        client = here.client(1, keep_orders=True)
        fill(client)
        client.send(mass_cancel(7))
        here.iterate()
        again = Client(here, 1, resume_from=MANY + 1, keep_orders=True)
        here.until(lambda: again.receive() and again.of(Heartbeat))
        first = next(i for i, event in enumerate(again.heard) if isinstance(event, Heartbeat))
        assert kinds(again.reports(again.heard[:first])) == [CANCELLED] * MANY + [MASS_CANCELLED]


def test_a_session_that_ends_keeps_gtc_and_gtd_orders_if_its_login_asked_for_it() -> None:
    with harness() as here:
        client = here.client(1, keep_gtc_and_gtd=True)
        client.ask(*each_time_in_force())
        client.close()
        here.settle()
        again = here.client(1, resume_from=4)
        reports = again.reports(again.heard + again.drain())
        assert [(report.kind, report.order_id) for report in reports] == [(CANCELLED, 2), (MASS_CANCELLED, 0)]
        assert (reports[0].reason, reports[1].quantity) == (Reason.BY_DISCONNECT, 1)
        again.close()  # this session did not ask for it
        here.settle()
        assert open_orders(here) == 0


def test_a_login_that_keeps_all_orders_keeps_those_that_are_not_gtc_or_gtd_too() -> None:
    with harness() as here:
        client = here.client(1, keep_orders=True, keep_gtc_and_gtd=True)
        client.ask(*each_time_in_force())
        client.close()
        here.settle()
        assert open_orders(here) == 3


@pytest.mark.parametrize("first", [True, False])
def test_of_two_sessions_that_end_before_the_first_is_cancelled_one_keeps_no_order(first: bool) -> None:
    """Both wait for the owner's own mass cancel and become one, which cancels what either would."""
    with harness() as here:
        client = here.client(1, keep_gtc_and_gtd=first)
        fill(client)
        client.send(mass_cancel(7, ASK))
        here.iterate()
        Client(here, 1, keep_gtc_and_gtd=not first).close()  # it ends the first session
        here.settle()
        assert open_orders(here) == 0
        last = here.client(1, resume_from=MANY + 1)
        reports = last.reports(last.heard + last.drain())
        assert kinds(reports) == [MASS_CANCELLED] + [CANCELLED] * MANY + [MASS_CANCELLED]


def each_time_in_force() -> list[Any]:
    """A GTC order, a DAY order and a GTD order, under the ids from 1."""
    ends = extension()._replace(expiry_ns=2**62)
    gtd = new(3, time_in_force=TimeInForce.GTD, instructions=Instruction.EXTENDED)
    return [new(1), new(2, time_in_force=TimeInForce.DAY), gtd, ends]


def test_two_mass_cancels_alternate() -> None:
    with harness() as here:
        clients = [here.client(owner) for owner in (1, 2)]
        for client in clients:
            fill(client)
        here.feed.reports()
        for client in clients:
            client.send(mass_cancel())
        here.settle()
        second = [int(reference) > MANY for reference in here.feed.reports()["order_id"]]  # accepted behind the first's
        changes = int(np.count_nonzero(np.diff(np.array(second, np.int8))))
        assert (sum(second), len(second)) == (MANY, 2 * MANY)
        assert changes >= 6, "the one does not wait for the other"


def test_many_disconnects_at_once_do_not_fill_an_iteration() -> None:
    with harness(max_clients=100, stream_reports=2**12) as here:
        clients = [here.client(owner) for owner in range(1, 81)]
        for client in clients:
            fill(client, 40)
        for client in clients:
            client.close()
        most = 0
        while open_orders(here):
            left = open_orders(here)
            here.iterate()
            most = max(most, left - open_orders(here))
        assert 0 < most <= 32 * FIRST + PART


def test_a_stop_waits_for_it() -> None:
    with harness() as here:
        client = here.client(1)
        fill(client)
        client.close()
        here.iterate()
        here.exchange.begin_stop()
        here.until(lambda: here.loop.is_stopped)
        assert open_orders(here) == 0


# ---------------------------------------------------------------------- with a journal


@pytest.mark.parametrize("how", ["asked for", "left"])
@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_a_crash_between_two_parts(tmp_path: Path, how: str, snapshot: bool, iterations: int) -> None:
    """What is recovered finishes it, and comes to what the one comes to that did not crash."""
    here = Kept(tmp_path / "journal")
    try:
        client = here.client(1)
        fill(client)
        here.client(2).ask(new(1, ASK, 1000))
        if how == "left":
            client.close()
        else:
            client.send(mass_cancel(7))
        here.iterate(iterations + (how == "left"))  # the first turn finds that it did
        if snapshot:
            here.follow(snapshot=True)
        assert here.exchange.engine.unfinished() == [1]
        copied = here.copy_to(tmp_path / "copy")
        finish(here)
        ended = open_orders(here), here.exchange.digest()
    finally:
        here.close()
    again = Kept(copied)
    try:
        assert bool(again.told("recovered")["snapshot"]) == snapshot
        assert again.exchange.engine.unfinished() == [1]
        client = Client(again, 1, resume_from=MANY + 1)
        client.send_bytes(new(9, BID, 5).encode())
        finish(again)
        client.receive()
        wanted = [CANCELLED] * MANY + [MASS_CANCELLED] + [ACCEPTED] * 1
        assert kinds(client.reports()) == wanted
        assert client.reports()[MANY].quantity == MANY
        client.ask(cancel(9))
        assert (open_orders(again), again.exchange.digest()) == ended == (1, ended[1])
        again.commit()
        again.follow()
        replay = Replay(Directory(copied))
        replay.run()
        assert replay.engine.digest() == again.exchange.engine.digest()
        assert replay.machine.report_checksum == again.exchange.machine.matcher.report_checksum
        follower: Any = again.exchange.follower.machine
        assert dumped(follower.engine) == dumped(again.exchange.engine)
        assert follower.matcher.report_checksum == again.exchange.machine.matcher.report_checksum
    finally:
        again.close()


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_crash_between_two_parts_of_one_that_keeps_gtc_and_gtd_orders(tmp_path: Path, snapshot: bool) -> None:
    """The command in the journal says what it keeps, and so does the snapshot: the next parts keep the same."""
    here = Kept(tmp_path / "journal")
    try:
        client = here.client(1, keep_gtc_and_gtd=True)
        for start in range(1, MANY, 200):
            ids = range(start, min(start + 200, MANY + 1))
            client.ask(*(new(n, BID, 10, time_in_force=TimeInForce.DAY if n % 2 else TimeInForce.GTC) for n in ids))
        client.close()
        here.iterate(3)
        if snapshot:
            here.follow(snapshot=True)
        assert here.exchange.engine.unfinished() == [1]
        copied = here.copy_to(tmp_path / "copy")
        finish(here)
        ended = dumped(here.exchange.engine)
    finally:
        here.close()
    again = Kept(copied)
    try:
        assert bool(again.told("recovered")["snapshot"]) == snapshot
        assert again.exchange.engine.unfinished() == [1]
        finish(again)
        assert open_orders(again) == MANY // 2
        assert dumped(again.exchange.engine) == ended
        again.commit()
        replay = Replay(Directory(copied))
        replay.run()
        assert dumped(replay.engine) == ended
        assert replay.machine.report_checksum == again.exchange.machine.matcher.report_checksum
        begins = [c for c, _ in commands_of(copied) if c["type"] == CommandType.MASS_CANCEL]
        assert [int(command["quantity"]) for command in begins] == [GTC_AND_GTD]
    finally:
        again.close()


def finish(here: Kept) -> None:
    """Until nothing is unfinished."""
    here.settle()
    assert here.exchange.engine.unfinished() == []


def test_with_durable_reports_it_comes_to_its_end(tmp_path: Path) -> None:
    here = Kept(tmp_path / "journal", acknowledge="durable")
    try:
        client = here.client(1)
        for start in range(1, MANY + 1, 200):
            client.send(*(new(n, BID, 10) for n in range(start, min(start + 200, MANY + 1))))
            here.iterate(3)
            here.commit()
        client.send(mass_cancel(7), new(1), new(2))
        parts = 0
        while not any(report.kind == MASS_CANCELLED for report in client.reports()):
            here.settle()
            here.make_room()
            here.commit()
            parts += 1
            here.settle()
            client.receive()
        assert parts >= 4
        here.commit()
        client.drain()
        assert kinds(client.reports())[-3:] == [MASS_CANCELLED, ACCEPTED, ACCEPTED]
    finally:
        here.close()
