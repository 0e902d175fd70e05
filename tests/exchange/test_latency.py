"""How long commands take, told apart by what they did: every one of them counted once, under the right kind."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime import FOK, IOC
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.native.latency import NAMES
from pricetime.types import CommandType, Phase, SelfTrade
from pricetime.wire.messages import Message
from tests.exchange.blast import Blast
from tests.exchange.harness import Client, Harness, harness
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, POST_ONLY, cancel, mass_cancel, new, reduce, replace

INTERVALS = ("match", "tick_to_trade")


def counts(here: Harness, interval: str) -> dict[str, int]:
    """Commands counted so far, by kind; without kinds that have none."""
    return {kind: each.count for kind, each in here.exchange.latencies()[interval].items() if each.count}


def kind_of(here: Harness, client: Client, message: Message) -> str:
    """The one kind that a message was counted under, by both intervals."""
    before = [counts(here, interval) for interval in INTERVALS]
    client.ask(message)
    found = set()
    for interval, known in zip(INTERVALS, before, strict=True):
        grown = {kind: count - known.get(kind, 0) for kind, count in counts(here, interval).items()}
        assert max(grown.values()) == sum(grown.values()) == 1, (message, grown)
        found.add(max(grown, key=lambda kind: grown[kind]))
    assert len(found) == 1
    return found.pop()


def test_each_kind_of_command() -> None:
    with harness(match_sample_every=1) as here:
        maker, taker = here.client(1), here.client(2)
        makers: list[tuple[Message, str]] = [
            (new(1, ASK, 100, 10), "rests"),
            (new(2, ASK, 101, 10, instructions=POST_ONLY), "rests"),
            (new(2, ASK, 101, 10), "other"),  # a number that it has already
            (replace(2, 102, 10), "replace"),
            (replace(77, 102, 10), "other"),
            (reduce(2, 4), "cancel"),
            (cancel(2), "cancel"),
            (cancel(2), "other"),
            (new(3, ASK, 104, 5), "rests"),
        ]
        takers: list[tuple[Message, str]] = [
            (new(1, BID, 100, 4), "trades"),  # wholly
            (new(2, BID, 100, 8), "trades"),  # and rests with the remainder
            (cancel(2), "cancel"),
            (new(3, BID, 104, 2, time_in_force=IOC), "trades"),
            (new(4, BID, 103, 2, time_in_force=IOC), "other"),  # nothing to take
            (new(5, BID, 104, 50, time_in_force=FOK), "other"),
            (new(6, BID, 104, 5, instructions=POST_ONLY), "other"),
            (new(7, BID, 90, 5), "rests"),
            (replace(7, 104, 2), "replace"),  # it trades, and is a replace still
            (new(2**48), "other"),  # refused by the gateway
            (mass_cancel(9), "other"),  # with nothing to cancel
            (new(8, BID, 91, 5), "rests"),
            (mass_cancel(10), "other"),  # its first report says cancelled
        ]
        for message, kind in makers:
            assert kind_of(here, maker, message) == kind, message
        for message, kind in takers:
            assert kind_of(here, taker, message) == kind, message


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (SelfTrade.OFF, "trades"),
        (SelfTrade.CANCEL_NEWEST, "other"),
        (SelfTrade.CANCEL_OLDEST, "rests"),
        (SelfTrade.CANCEL_BOTH, "other"),
        (SelfTrade.DECREMENT, "rests"),
        (SelfTrade.CANCEL_SMALLER, "rests"),
    ],
)
def test_an_order_that_meets_its_own_owner(mode: SelfTrade, kind: str) -> None:
    """What rests in the end rests, whatever was cancelled of the other; what is cancelled itself is neither."""
    with harness(match_sample_every=1, instruments=(InstrumentConfig(id=1, self_trade=mode),)) as here:
        client = here.client(1)
        client.ask(new(1, ASK, 100, 5))
        assert kind_of(here, client, new(2, BID, 100, 9)) == kind


def test_trades_behind_what_self_trade_prevention_took() -> None:
    """The report of the trade is not the second."""
    instruments = (InstrumentConfig(id=1, self_trade=SelfTrade.CANCEL_OLDEST),)
    with harness(match_sample_every=1, instruments=instruments) as here:
        client, other = here.client(1), here.client(2)
        client.ask(new(1, ASK, 100, 5))
        other.ask(new(1, ASK, 100, 5))
        assert kind_of(here, client, new(2, BID, 100, 9)) == "trades"


def test_commands_of_the_exchange_itself() -> None:
    with harness(match_sample_every=1) as here:
        client = here.client(1)
        client.ask(new(1))
        client.close()
        here.settle()
        here.exchange.command(CommandType.SET_PHASE, 2, Phase.HALTED)
        here.settle()
        for interval in INTERVALS:
            assert counts(here, interval) == {"rests": 1, "other": 2}


def traffic(client: Client) -> None:
    for n in range(40):
        client.send(*(new(100 * n + m, BID, 10 + m % 3) for m in range(20)))
        client.send(*(cancel(100 * n + m) for m in range(15)), new(100 * n + 99, ASK, 11, 30, time_in_force=IOC))
    client.drain()


@pytest.mark.parametrize(("every", "timed"), [(0, 0), (1, 1440), (2, 720), (7, 205), (1441, 0), (1440, 1)])
def test_one_of_so_many_is_timed(every: int, timed: int) -> None:
    """Counted over all commands, wherever batches end; tick to trade is of every one."""
    with harness(match_sample_every=every, feed_store_reports=2**13) as here:
        traffic(here.client(1))
        assert here.exchange.stats()["commands"] == 1440
        assert sum(counts(here, "match").values()) == timed
        assert sum(counts(here, "tick_to_trade").values()) == 1440


def told(every: int, ring: int) -> tuple[Any, ...]:
    with harness(match_sample_every=every, ring_capacity=ring, feed_store_reports=2**13) as here:
        client = here.client(1)
        traffic(client)
        reports = [report._replace(maker_id=0) for report in client.reports()]  # that is public, under a key of its own
        return here.exchange.engine.digest(), reports, counts(here, "tick_to_trade")


@pytest.mark.parametrize("ring", [16, 1024])
@pytest.mark.parametrize("every", [1, 3, 50])
def test_timing_changes_nothing_else(every: int, ring: int) -> None:
    assert told(every, ring) == told(0, 1024)


def test_a_command_whose_reports_wait_for_room_is_timed_to_the_last_of_them() -> None:
    with harness(match_sample_every=1, ring_capacity=16) as here:
        maker, taker = here.client(1), here.client(2)
        maker.ask(*(new(n, ASK, 100, 1) for n in range(500)))
        assert kind_of(here, taker, new(1, BID, 100, 400)) == "trades"


def test_a_command_that_waits_for_the_journal_is_timed_from_its_first_try(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", match_sample_every=1, segment_bytes=2**13, order_capacity=4096)
    client = here.client(1)
    sent = 0
    while here.exchange.engine.seq_num == sent:
        client.send(new(sent, BID, 10))
        sent += 1
        here.iterate(2)
        assert sent < 1000
    before = counts(here, "match")
    here.iterate(50)
    assert counts(here, "match") == before == {"rests": sent - 1}
    threading.Event().wait(0.02)
    here.make_room()
    here.settle()
    assert counts(here, "match") == {"rests": sent}
    assert here.exchange.latencies()["match"]["rests"].largest >= 20_000_000
    here.close()


def test_stats_are_of_all_kinds() -> None:
    with harness(match_sample_every=1, feed_store_reports=2**13) as here:
        traffic(here.client(1))
        stats, latencies = here.exchange.stats(), here.exchange.latencies()
        for interval in INTERVALS:
            together = sum(each.array() for each in latencies[interval].values())
            places = np.flatnonzero(together)
            most = max(each.percentiles((100,))[0] for each in latencies[interval].values())
            assert stats[f"{interval}_max_ns"] == most
            found = [stats[f"{interval}_{name}_ns"] for name in ("p50", "p99", "p99.9", "max")]
            assert 0 < found[0] <= found[1] <= found[2] <= found[3]
            assert places.size > 1


def test_copies_beside_the_threads_that_record() -> None:
    """Each has all that the one before it had; none changes once it was made; in the end every command is there."""
    with Blast(owners=2, commands=40_000) as blast:
        before = {interval: dict.fromkeys(NAMES, np.zeros(31_744, np.uint64)) for interval in INTERVALS}
        for _ in range(3):
            blast.send(1)
            for interval, kinds in blast.exchange.latencies().items():
                assert tuple(kinds) == NAMES
                for kind, copy in kinds.items():
                    counts = copy.array()
                    assert copy.count == counts.sum()
                    assert (counts >= before[interval][kind]).all()
                    before[interval][kind] = counts
        answered, _ = blast.finish()
        commands = blast.exchange.stats()["commands"]
        assert answered <= commands
        assert sum(each.count for each in blast.exchange.latencies()["tick_to_trade"].values()) == commands
        assert sum(each.count for each in blast.exchange.latencies()["match"].values()) == commands // 1021
