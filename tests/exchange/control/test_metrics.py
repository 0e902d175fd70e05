"""Every metric says what the exchange did: a small one, whose turns the test takes."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pricetime import IOC
from pricetime.exchange.control import acceptor, meters, metrics
from pricetime.exchange.control.acceptor import Acceptor
from pricetime.exchange.control.feed_listener import FeedListener
from pricetime.exchange.control.metrics import ExchangeCollector, Services
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.native.histogram import Histogram
from pricetime.types import CommandType, OrderType, Phase, Reason, ReportKind, TimeInForce
from pricetime.wire.messages import OrderExtension
from tests.exchange.harness import Client, Harness, harness
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, EXTENDED, cancel, new, reduce, replace


class FakeListener(FeedListener):
    def __init__(self) -> None:
        self.datagrams = 7


class FakeService(Acceptor):
    def __init__(self, connected: int = 0, counts: dict[str, int] | None = None) -> None:
        self.connected = connected
        self.counts = Counter(counts)

    def __len__(self) -> int:
        return self.connected

    async def _serve(self, client: acceptor.Client) -> None: ...


class Samples(dict[str, float]):
    """The page that Prometheus would get, as its own parser reads it: value by name and labels."""

    def __init__(self, here: Harness, services: Services | None = None) -> None:
        copies = None if here.exchange.journal is None else FakeService()
        services = services or Services(FakeService(), FakeService(), copies, {"200": 0})
        registry = CollectorRegistry()
        registry.register(ExchangeCollector(here.settings, here.exchange, services))
        ProcessCollector(registry=registry)
        self.families = list(text_string_to_metric_families(generate_latest(registry).decode()))
        super().__init__((told(s.name, s.labels), s.value) for family in self.families for s in family.samples)

    def with_value(self, start: str) -> dict[str, float]:
        """Those of a name that are not 0."""
        return {name.removeprefix(start): value for name, value in self.items() if name.startswith(start) and value}


def told(name: str, labels: dict[str, str]) -> str:
    shown = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{name.removeprefix('pricetime_')}{{{shown}}}" if labels else name.removeprefix("pricetime_")


@contextmanager
def traded() -> Iterator[tuple[Harness, Client]]:
    """Two asks, a taker that meets both, a bid that is halved and moved, and what is refused."""
    symbols = (InstrumentConfig(id=1, symbol="ABC"), InstrumentConfig(id=2, symbol='X"Y\\Z'))
    with harness(instruments=symbols, orders_per_second=1000, burst=14) as here:
        client = here.client(1)
        client.send(
            new(1, ASK, 100, 10), new(2, ASK, 101, 10), new(3, BID, 101, 15, time_in_force=IOC), new(4, BID, 90, 8),
            reduce(4, 4), replace(4, 91, 4), new(5, BID, 80, 7), new(2, ASK, 5), cancel(99), new(6, 9),
            new(2**50, BID), new(7, ASK, 103, 3), new(8, BID, 200, 9, time_in_force=IOC), cancel(7),
        )  # fmt: skip
        client.drain()
        yield here, client


def test_what_the_orders_came_to() -> None:
    with traded() as (here, _):
        now = Samples(here)
        assert now["commands_total"] == 14
        assert now["commands_unanswered"] == 0
        assert now["gateway_rejects_total"] == 1
        assert now.with_value("reports_total") == {
            "{kind=accepted,reason=none}": 5,
            "{kind=accepted,reason=never_rests}": 2,
            "{kind=trade,reason=none}": 4,
            "{kind=cancelled,reason=ioc_remainder}": 1,
            "{kind=reduced,reason=none}": 1,
            "{kind=replaced,reason=none}": 1,
            "{kind=rejected,reason=duplicate_order_id}": 1,
            "{kind=rejected,reason=unknown_order}": 2,
            "{kind=rejected,reason=invalid_side}": 1,
            "{kind=rejected,reason=invalid_order_id}": 1,
        }
        assert sum(now.with_value("reports_total").values()) == here.exchange.stats()["reports"]
        assert now["reports_total{kind=rejected,reason=throttled}"] == 0  # told ahead of the first
        assert now["received_bytes_total"] == 12 * 40 + 2 * 16 - (40 - 24)
        assert now["sent_bytes_total"] > 14 * 48


def test_what_a_throttle_refuses() -> None:
    with harness(orders_per_second=1, burst=2) as here:
        client = here.client(1)
        client.send(*(new(n) for n in range(5)))
        client.drain()
        now = Samples(here)
        assert now["gateway_rejects_total"] == now["reports_total{kind=rejected,reason=throttled}"] == 3


def test_books() -> None:
    with traded() as (here, _):
        now = Samples(here)
        book = "{instrument=1,side=%s,symbol=ABC}"
        assert [now[f"book_{what}{book % 'bid'}"] for what in ("orders", "levels", "quantity_lots")] == [2, 2, 11]
        assert now[f"book_best_price_ticks{book % 'bid'}"] == 91
        assert now[f"book_orders{book % 'ask'}"] == 0
        assert f"book_best_price_ticks{book % 'ask'}" not in now
        assert not now.with_value("book_spread_ticks")
        assert now['book_orders{instrument=2,side=bid,symbol=X"Y\\Z}'] == 0


def test_a_spread_and_a_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    with harness() as here:
        client = here.client(1)
        client.send(new(1, BID, 95), new(2, ASK, 102), new(1, BID, -7, instrument=2))
        client.drain()
        here.exchange.command(CommandType.SET_PHASE, 2, 1)
        here.settle()
        now = Samples(here)
        assert now.with_value("book_spread_ticks") == {"{instrument=1,symbol=}": 7}
        assert now["book_best_price_ticks{instrument=2,side=bid,symbol=}"] == -7
        assert now.with_value("instrument_phase") == {
            "{instrument=1,phase=continuous,symbol=}": 1, "{instrument=2,phase=halted,symbol=}": 1,
        }  # fmt: skip
        assert now["instrument_phase{instrument=2,phase=pre_open,symbol=}"] == 0
        assert now["books_left_out"] == 0
        monkeypatch.setattr(metrics, "MOST_BOOKS", 1)
        fewer = Samples(here)
        assert fewer["books_left_out"] == 1
        assert "book_orders{instrument=2,side=bid,symbol=}" not in fewer


def test_phases_and_orders_of_venues() -> None:
    ranged = InstrumentConfig(id=1, reference_price=100, static_range=5)
    with harness(instruments=(ranged,), expiry_interval_ms=10, indicative_interval_ms=0) as here:
        client = here.client(1)
        none = ("auctions_total", "volatility_interruptions_total", "orders_triggered_total", "orders_expired_total")
        assert not any(Samples(here).with_value(name) for name in none)
        slices = OrderExtension(display_quantity=2)
        client.ask(new(1, ASK, 100, 4, instructions=EXTENDED), slices, new(2, BID, 100, 3))
        stop = OrderExtension(trigger_price=101)
        client.ask(new(3, BID, 0, 1, order_type=OrderType.STOP, instructions=EXTENDED), stop)
        client.ask(new(4, ASK, 101, 2), new(8, BID, 101, 5))
        client.ask(new(5, ASK, 106, 1), new(6, BID, 106, 5), new(7, BID, 90, time_in_force=TimeInForce.DAY))
        for kind, phase in (
            (CommandType.INDICATE, 0), (CommandType.UNCROSS, Phase.PRE_OPEN), (CommandType.UNCROSS, Phase.CLOSED),
        ):  # fmt: skip
            here.exchange.command(kind, 1, phase)
            here.settle()
        here.until(lambda: here.exchange.report_counts().get((ReportKind.EXPIRED, Reason.DAY_ENDED)))
        now = Samples(here)
    assert now.with_value("auctions_total") == {"{result=priced}": 1, "{result=no_price}": 1}
    assert now["indicative_prices_total"] == now["volatility_interruptions_total"] == 1
    assert now["icebergs_refreshed_total"] == 1
    assert now["orders_triggered_total"] == 1
    assert now.with_value("orders_expired_total") == {"{reason=day_ended}": 1}
    assert now["orders_expired_total{reason=expiry_reached}"] == 0


def test_latency(monkeypatch: pytest.MonkeyPatch) -> None:
    rests, match = Histogram(), Histogram()
    rests.record_many([900, 1_000, 2_500_000, 3 * 10**9])
    match.record_many([120])
    with harness() as here:
        found = {"tick_to_trade": {"rests": rests, "trades": Histogram()}, "match": {"rests": match}}
        monkeypatch.setattr(here.exchange, "latencies", lambda: found)
        now = Samples(here)
    bucket = "tick_to_trade_seconds_bucket{kind=rests,le=%s}"
    assert [now[bucket % le] for le in ("7e-07", "1e-06", "0.002", "0.003", "1.0", "+Inf")] == [0, 2, 2, 3, 3, 4]
    assert now["tick_to_trade_seconds_count{kind=rests}"] == 4
    assert now["tick_to_trade_seconds_sum{kind=rests}"] == pytest.approx(3.0025019, rel=0.001)
    assert now["tick_to_trade_seconds_count{kind=trades}"] == 0
    assert now["match_seconds_bucket{kind=rests,le=1.5e-07}"] == 1


def test_rings_and_feed() -> None:
    with harness(feed_store_reports=1024, stream_reports=2**13) as here:
        client = here.client(1)
        client.send(*(new(n, BID, 10) for n in range(2000)))
        here.iterate(200)
        now = Samples(here)
        assert now["ring_slots{ring=commands}"] == now["ring_slots{ring=reports}"] == 1024
        assert now["feed_sequence"] == now["log_sequence"] == now["follower_lag_commands"] == 2000
        assert now["log_term"] == 1
        assert now["feed_datagrams_total"] == len(here.feed.datagrams()) >= 2000 / 30
        assert now["feed_bytes_total"] == 2000 * 48 + 48  # of a heartbeat, ahead of all
        assert now["feed_unsent_reports_total"] == 0
        assert 0 < now["feed_calls_total"] <= now["feed_datagrams_total"]
        here.settle()
        after = Samples(here)
        assert after["follower_lag_commands"] == after["ring_used_slots{ring=reports}"] == 0


def test_a_ring_without_room(tmp_path: Path) -> None:
    here = Kept(tmp_path / "journal", acknowledge="durable", ring_capacity=16)
    client = here.client(1)
    client.send_bytes(b"".join(new(n, BID, 10).encode() for n in range(100)))
    here.iterate(50)
    now = Samples(here)
    assert now["ring_full_total"] > 0
    assert now["commands_unanswered"] == now["commands_total"] > 0
    assert now["ring_used_slots{ring=reports}"] + now["ring_used_slots{ring=commands}"] > 0
    assert now["ring_used_ratio{ring=reports}"] == now["ring_used_slots{ring=reports}"] / 16
    here.close()


def test_a_heartbeat_is_a_datagram() -> None:
    with harness(feed_heartbeat_ms=1) as here:
        here.until(lambda: here.exchange.stats()["feed_datagrams"])
        now = Samples(here)
        assert now["feed_datagrams_total"] == len(here.feed.datagrams())
        assert now["feed_bytes_total"] == 48 * now["feed_datagrams_total"]


def test_sessions_and_the_control_side() -> None:
    services = Services(
        FakeService(3, {"connections": 9, "admitted": 4, "rejected: BAD_CREDENTIALS": 2}),
        FakeService(
            2,
            {"reports sent again": 50, "retransmit: RANGE_GONE": 1, "snapshots sent": 6, "ended: TOO_MANY_CLIENTS": 1},
        ),
        None,
        {"200": 8, "404": 1},
        FakeListener(),
    )
    with harness() as here:
        here.client(1), here.client(2)
        now = Samples(here, services)
        assert now["sessions"] == 2
        assert now["feed_foreign_datagrams_total"] == 7
        assert (now["pending_logins"], now["connections_total"], now["logins_total"]) == (3, 9, 4)
        assert now.with_value("logins_rejected_total") == {"{reason=bad_credentials}": 2}
        assert now["logins_rejected_total{reason=login_timeout}"] == 0
        assert (now["recovery_clients"], now["recovery_reports_total"], now["recovery_snapshots_total"]) == (2, 50, 6)
        assert now.with_value("recovery_requests_total") == {"{status=range_gone}": 1}
        assert now.with_value("recovery_ended_total") == {"{reason=too_many_clients}": 1}
        assert now.with_value("scrapes_total") == {"{status=200}": 8, "{status=404}": 1}
        assert not any(name.startswith(("journal", "snapshot")) for name in now)


def test_a_slow_reader_is_disconnected() -> None:
    with harness(outbound_bytes=4096, feed_store_reports=1024) as here:
        slow = here.client(1, sndbuf=4608)
        slow.send(*(cancel(n) for n in range(600)))
        here.settle()
        assert Samples(here)["slow_readers_total"] == 1


def test_a_journal(tmp_path: Path) -> None:
    here = Kept(tmp_path / "journal", snapshot_every=0)
    try:
        client = here.client(1)
        client.send(*(new(n, BID, n) for n in range(20)))
        client.drain()
        before = Samples(here)
        assert before["log_sequence"] == before["commands_total"] == before["journal_lag_commands"] == 20
        assert before["journal_synced_sequence"] == before["journal_sync_seconds_count"] == 0
        here.commit()
        here.follow(snapshot=True)
        now = Samples(here)
        assert now["journal_synced_sequence"] == now["snapshot_sequence"] == 20
        assert now["journal_lag_commands"] == now["follower_lag_commands"] == 0
        assert now["journal_sync_seconds_count"] == 1
        assert (
            now["journal_sync_seconds_sum"] == now["journal_sync_last_seconds"] == now["journal_sync_longest_seconds"]
        )
        assert now["journal_synced_bytes_total"] >= 20 * 72
        assert now["journal_segment"] == 1
        assert now["journal_offset_bytes"] > before["journal_offset_bytes"] - 1 > 20 * 72
        build = now.with_value("build_info")
        assert [*build] == [f"{{acknowledge=memory,form=compiled,idle=block,version={version('pricetime')}}}"]
    finally:
        here.close()


def test_what_was_replayed_was_not_done_by_this_process(tmp_path: Path) -> None:
    here = Kept(tmp_path / "journal", snapshot_every=0)
    client = here.client(1)
    client.send(*(new(n, BID, n) for n in range(20)))
    client.drain()
    here.close()
    again = Kept(tmp_path / "journal", snapshot_every=0)
    try:
        now = Samples(again)
        assert now["log_sequence"] == now["feed_sequence"] == 20
        assert now["log_term"] == 2
        assert now["commands_total"] == 0
        assert not now.with_value("reports_total")
        assert now["book_orders{instrument=1,side=bid,symbol=}"] == 20
    finally:
        again.close()


def test_threads_have_their_time() -> None:
    with harness() as here:
        thread = threading.Thread(target=lambda: sum(range(10**6)), name="pricetime-gateway")
        thread.start()
        now = Samples(here)
        thread.join()
        assert now["thread_cpu_seconds_total{thread=control}"] > 0


def test_every_metric_has_a_value_and_a_description(tmp_path: Path) -> None:
    described: dict[str, Any] = {
        meter.name: (meter.kind, meter.help)
        for section in meters.SECTIONS
        if section is not meters.Cluster  # of a node: tests/cluster/test_metrics.py
        for meter in section.meters()
    }
    here = Kept(tmp_path / "journal")
    try:
        families = Samples(here).families
    finally:
        here.close()
    kinds = {"info": "gauge"}
    found = {}
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = (family.type, family.documentation)
    of_process = {name: found.pop(name) for name in meters.OF_THE_PROCESS}
    assert {name: kind for name, (kind, _) in of_process.items()} == {
        name: kind for name, (kind, _) in meters.OF_THE_PROCESS.items()
    }
    assert found == {name: (kinds.get(kind, kind), text) for name, (kind, text) in described.items()}
    assert all(name.startswith("pricetime_") and text.endswith(".") for name, (_, text) in described.items())
