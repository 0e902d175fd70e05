"""Nodes and servers fail under load, and nothing that was acknowledged is lost, executed twice or taken back.

``make test`` has a few failures of each kind, ``make test-slow`` more, ``make test-failures`` hundreds.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_cluster import LocalCluster
from pricetime.cluster.local import Place, time_of, wait_for
from tests.cluster.checker import check_session, check_silent
from tests.cluster.sessions import LastingSession
from tests.cluster.traders import Day, day
from tests.counts import SLOW, count

pytestmark = pytest.mark.compiled

#: Failures between two checks of everything.
ROUND = 10


def rounds(total: int) -> list[int]:
    """A number of failures, as parts of at most ``ROUND``."""
    return [min(ROUND, total - done) for done in range(0, total, ROUND)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    with LocalCluster(tmp_path) as made:
        yield made


def kill_leader(trading: Day) -> None:
    cluster = trading.cluster
    leader, term = cluster.leader(), cluster.term
    cluster.kill(leader)
    cluster.wait_leader(term)
    cluster.start(leader)
    trading.wait_answers()


@pytest.mark.slow
@pytest.mark.parametrize("kills", rounds(count(3, 20, 100)))
def test_leaders_are_killed(cluster: LocalCluster, kills: int) -> None:
    with day(cluster) as trading:
        for _ in range(kills):
            trading.wait_answers()
            kill_leader(trading)
        history = trading.check()
    assert len(history.terms) >= kills + 1


@pytest.mark.slow
@pytest.mark.parametrize("stops", rounds(count(2, 5, 100)))
def test_leaders_are_suspended_and_wake(cluster: LocalCluster, stops: int) -> None:
    """Each is a zombie when it wakes: it sends nothing that the stream does not have, and nothing after its end."""
    zombies = []
    with day(cluster) as trading:
        for number in range(stops):
            trading.wait_answers()
            leader, term = cluster.leader(), cluster.term
            lasting = LastingSession(cluster.address(leader), owner=100 + number)
            lasting.wait_reports(5)
            cluster.suspend(leader)
            suspended = time.monotonic()
            lasting.send(50)  # the zombie finds them when it wakes
            cluster.wait_leader(term)
            trading.wait_answers(1)
            if SLOW:
                time.sleep(max(0.0, 15 - (time.monotonic() - suspended)))
            cluster.resume(leader)
            zombies.append((leader, term, lasting))
            lasting.wait_end()
            trading.wait_answers()
        history = trading.check()
        for leader, term, lasting in zombies:
            check_session(history, lasting.owner, lasting.reports)
            check_silent(trading.recorder.datagrams, term, fenced_at(cluster, leader, term))
    assert len(history.terms) >= stops + 1


def fenced_at(cluster: LocalCluster, place: Place, term: int) -> float:
    """When a node noticed that its term has ended."""
    events = cluster.history(place)
    began = next(time_of(event) for event in events if event["event"] == "leading" and event["term"] == term)
    return next(time_of(event) for event in events if event["event"] == "fenced" and time_of(event) > began)


@pytest.mark.slow
@pytest.mark.parametrize("kills", rounds(count(1, 8, 50)))
def test_servers_are_killed(cluster: LocalCluster, kills: int) -> None:
    """One at a time: a majority is left."""
    servers, drawn = cluster.servers, random.Random(kills)
    with day(cluster) as trading:
        for _ in range(kills):
            trading.wait_answers()
            server = drawn.randrange(3)
            servers.kill(server)
            trading.wait_answers()
            servers.start(server)
            servers.wait()
        trading.check()


@pytest.mark.slow
@pytest.mark.parametrize("kills", rounds(count(1, 5, 20)))
def test_leader_and_leader_of_the_stream_are_killed(cluster: LocalCluster, kills: int) -> None:
    servers = cluster.servers
    with day(cluster) as trading:
        for _ in range(kills):
            trading.wait_answers()
            leader, term = cluster.leader(), cluster.term
            server = wait_for(lambda: servers.leader("LOG-main"), 30, "the stream has no leader")
            servers.kill(server)
            cluster.kill(leader)
            cluster.wait_leader(term)
            trading.wait_answers()
            servers.start(server)
            cluster.start(leader)
            servers.wait()
        trading.check()


def test_without_a_majority_nothing_is_acknowledged(tmp_path: Path) -> None:
    """New orders are refused as BUSY after the bound, at once, and trading goes on when a server returns."""
    with LocalCluster(tmp_path, cluster={"busy_after_ms": 1000}) as cluster, day(cluster) as trading:
        servers = cluster.servers
        trading.wait_answers()
        leading = wait_for(lambda: servers.leader("LOG-main"), 30, "the stream has no leader")
        lost = [leading, (leading + 1) % 3]
        for server in lost:
            servers.kill(server)
        subscriber = trading.following.subscriber
        wait_for(lambda: subscriber.busy or None, 30, "market data does not say that the exchange is busy")
        had = [len(one.seen.reports) for one in trading.trading]
        wait_for(
            lambda: all(len(one.seen.refused) > 5 for one in trading.trading) or None, 30, "no order is refused as BUSY"
        )
        assert [len(one.seen.reports) for one in trading.trading] == had, "acknowledged without a majority"
        for server in lost:
            servers.start(server)
        servers.wait()
        trading.wait_answers()
        wait_for(lambda: None if subscriber.busy else True, 30, "the exchange stays busy")
        trading.check()
