"""Expiry in parts: what ends, when, and that commands of clients are executed between the parts."""

import time
from pathlib import Path

import pytest

from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.types import CommandType, OrderType, Phase, Reason, ReportKind, TimeInForce
from pricetime.wire.messages import Message, OrderExtension
from tests.exchange.harness import Client, Harness, harness, kinds
from tests.exchange.io.test_phases import answer, wait
from tests.exchange.kept import Kept, picture
from tests.exchange.orders import ASK, BID, EXTENDED, cancel, new

EXPIRE, SET_PHASE = CommandType.EXPIRE, CommandType.SET_PHASE
EXPIRED, DONE = ReportKind.EXPIRED, ReportKind.EXPIRY_DONE
DAY, GTD = TimeInForce.DAY, TimeInForce.GTD
OFTEN, NEVER_BY_ITSELF = 10, 3_600_000


def day(order_id: int, instrument: int = 1, side: int = BID) -> Message:
    return new(order_id, side, 100 + side, instrument=instrument, time_in_force=DAY)


def until(order_id: int, expiry_ns: int, instrument: int = 1) -> list[Message]:
    order = new(order_id, instrument=instrument, time_in_force=GTD, instructions=EXTENDED)
    return [order, OrderExtension(expiry_ns=expiry_ns)]


def soon(seconds: float = 0.05) -> int:
    return time.time_ns() + int(seconds * 1e9)


def expired(client: Client) -> list[tuple[int, int]]:
    """Orders that expired, and why, in their order."""
    client.drain()
    return [(report.order_id, report.reason) for report in client.reports() if report.kind == EXPIRED]


def idle(here: Harness) -> None:
    """Iterations until all instruments were checked for the first time: the second time is an interval later."""
    wait(here, 0.002)


def test_orders_end_by_themselves() -> None:
    with harness(expiry_interval_ms=OFTEN) as here:
        client = here.client(1)
        at = soon()
        client.ask(*until(1, at), *until(2, at - 1), day(3), new(4), *until(5, soon(3600)), *until(6, at, 2))
        here.until(lambda: len(expired(client)) == 3)
        assert time.time_ns() >= at
        reasons = [Reason.EXPIRY_REACHED] * 3
        assert sorted(expired(client)) == list(zip([1, 2, 6], reasons, strict=True))
        assert [order for order, _ in expired(client) if order != 6] == [2, 1], "by expiry time"
        answer(here, SET_PHASE, 1, Phase.HALTED)
        wait(here, 0.05)
        assert len(expired(client)) == 3
        answer(here, SET_PHASE, 1, Phase.CLOSED)
        here.until(lambda: len(expired(client)) == 4)
        assert expired(client)[-1] == (3, Reason.DAY_ENDED)
        before = here.exchange.progress()[0]
        wait(here, 0.05)
        assert here.exchange.progress()[0] == before, "nothing is due, so no command is issued"


def test_an_expiry_by_request() -> None:
    with harness(expiry_interval_ms=NEVER_BY_ITSELF) as here:
        idle(here)
        client = here.client(1)
        client.ask(day(1), day(2), day(1, 2))
        assert answer(here, EXPIRE, 1) == (DONE, 0, 0, 0, 0, 0)
        answer(here, SET_PHASE, 1, Phase.CLOSED)
        assert answer(here, EXPIRE, 1) == (DONE, 0, 0, 0, 2, 0)
        assert expired(client) == [(1, Reason.DAY_ENDED), (2, Reason.DAY_ENDED)]
        assert answer(here, EXPIRE, 2) == (DONE, 0, 0, 0, 0, 0)


def test_many_orders_end_in_parts_with_commands_of_clients_between_them() -> None:
    count = 3000
    room = {"stream_reports": 2**14, "outbound_bytes": 2**14 * 48, "feed_store_reports": 2**14}
    with harness(expiry_interval_ms=NEVER_BY_ITSELF, **room) as here:
        idle(here)
        owner, other = here.client(1), here.client(2)
        for instrument in (1, 2):
            owner.ask(*(day(n + instrument * 10_000, instrument) for n in range(count // 2)))
            answer(here, SET_PHASE, instrument, Phase.CLOSED)
        for instrument in (1, 2):
            assert here.exchange.command(EXPIRE, instrument, number=instrument)
        before = here.exchange.progress()[0]
        sent = 0
        while len(here.exchange.engine) > 0 and sent < 100:
            other.send(cancel(sent))
            here.iterate()
            sent += 1
            received, answered = here.exchange.progress()
            assert received == answered, "each is answered in its iteration"
        here.settle()
        assert len(other.reports(other.drain())) == sent
        parts = here.exchange.progress()[0] - before - sent
        assert parts == 12, "six parts of each instrument, of at most 256 orders"
        assert sorted(found[0] for found in here.exchange.take_answers()) == [1, 2]
        assert len(expired(owner)) == count
        owners_reports = [report for report in owner.reports() if report.kind == EXPIRED]
        assert {report.instrument for report in owners_reports[:1000]} == {1, 2}, "the instruments alternate"


def test_one_answer_for_all_parts() -> None:
    room = {"stream_reports": 2**14, "outbound_bytes": 2**14 * 48, "feed_store_reports": 2**14}
    with harness(expiry_interval_ms=OFTEN, **room) as here:
        client = here.client(1)
        client.ask(*(day(n) for n in range(2000)))
        assert here.exchange.command(SET_PHASE, 1, Phase.CLOSED)
        assert here.exchange.command(EXPIRE, 1, number=5)
        here.settle()
        (found,) = here.exchange.take_answers()
        assert (found[0], found[1], found[5]) == (5, DONE, 2000)
        assert kinds(client.reports()).count(DONE) == 0, "only the exchange knows of the parts"


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5])
def test_a_crash_between_two_parts(tmp_path: Path, at: int) -> None:
    """After the restart the rest expires, and nothing twice."""
    here = Kept(tmp_path / "journal", expiry_interval_ms=OFTEN)
    client = here.client(1)
    client.ask(*(day(n) for n in range(1500)))
    assert here.exchange.command(SET_PHASE, 1, Phase.CLOSED)
    here.iterate(at)
    expected = picture(here)
    here.kill()
    again = Kept(tmp_path / "journal", expiry_interval_ms=OFTEN)
    assert picture(again) == expected
    resumed = again.client(1, resume_from=1)
    again.until(lambda: len(again.exchange.engine) == 0)
    orders = [order for order, _ in expired(resumed)]
    assert orders == list(range(1500))
    again.close()


def test_an_order_that_expires_triggers_and_is_counted_once() -> None:
    """With best quotes, the end of the last ask triggers a buy stop: its reports follow that of the expiry."""
    quoted = InstrumentConfig.model_validate({"id": 1, "stop_trigger": "best-quote"})
    with harness(instruments=(quoted,), expiry_interval_ms=NEVER_BY_ITSELF) as here:
        idle(here)
        client = here.client(1)
        client.ask(new(1, ASK, 110), *until(2, soon(0.01)))
        stop = new(3, BID, 0, order_type=OrderType.STOP, instructions=EXTENDED)
        client.ask(stop, OrderExtension(trigger_price=200))
        client.ask(cancel(1))
        wait(here, 0.02)
        found = answer(here, EXPIRE, 1)
        assert found[0] == DONE
        assert found[4] == 1


def test_a_stop_waits_for_no_expiry() -> None:
    with harness(expiry_interval_ms=OFTEN) as here:
        client = here.client(1, keep_orders=True)
        client.ask(*(day(n) for n in range(1500)))
        assert here.exchange.command(SET_PHASE, 1, Phase.CLOSED)
        here.exchange.begin_stop()
        here.until(lambda: here.loop.is_stopped)
        assert len(here.exchange.engine) > 0
