"""The follower: one copy of the books beside the engine's, for subscribers, metrics, page and snapshot files."""

import errno
import os
import random
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.core.builder import BookBuilder
from pricetime.core.snapshot import IndicativePrice
from pricetime.errors import UnknownInstrument
from pricetime.native.crc import linked_records
from pricetime.types import REPORT, CommandType, Phase, Side
from tests.books import command
from tests.exchange.harness import Harness, harness
from tests.exchange.io.test_phases import answer
from tests.exchange.kept import Kept, picture
from tests.exchange.orders import ASK, BID, cancel, new


@pytest.fixture(params=["volatile", "journal"])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = Harness() if request.param == "volatile" else Kept(tmp_path / "j", acknowledge="memory")
    yield made
    made.close()


def trade(here: Harness, rng: random.Random, client: Any) -> None:
    """A few orders and cancels in both books."""
    orders = [
        new(
            rng.randrange(2000), rng.choice((BID, ASK)), rng.randrange(-500, 500), rng.randrange(1, 50),
            instrument=rng.choice((1, 2)),
        )
        for _ in range(100)
    ]  # fmt: skip
    client.send(*orders, *(cancel(rng.randrange(2000), rng.choice((1, 2))) for _ in range(30)))
    client.drain()


def test_it_answers_as_the_engine_would(here: Harness) -> None:
    rng, client = random.Random(5), here.client(1)
    for _ in range(10):
        trade(here, rng, client)
        depths = here.exchange.follower.depths([1, 2], 7)
        assert depths is not None
        for instrument, (phase, *sides) in depths.items():
            book = here.exchange.engine.book(instrument)
            assert phase is book.phase
            assert all(map(np.array_equal, sides, book.depth(7)))
            depth = here.exchange.depth(instrument)
            assert depth.bids.orders + depth.asks.orders == len(book)
            for side, levels, best in zip(
                (depth.bids, depth.asks), book.depth(None), (book.best_bid, book.best_ask), strict=True
            ):
                assert side[1:] == (len(levels), levels["quantity"].sum(), best)
            assert book.best_ask is not None
            assert book.best_bid is not None
            assert depth.spread == book.best_ask - book.best_bid


def test_an_empty_book_and_an_unknown_one(here: Harness) -> None:
    depth = here.exchange.depth(1)
    assert depth.spread is None
    assert depth == (Phase.CONTINUOUS, (0, 0, 0.0, None), (0, 0, 0.0, None))
    for question in (lambda: here.exchange.depth(3), lambda: here.exchange.follower.depths([3], 7)):
        with pytest.raises(UnknownInstrument):
            question()
    assert here.exchange.follower.depths([1], 7) is not None  # the rejected calls have left the books


def test_a_halt(here: Harness) -> None:
    here.exchange.command(CommandType.SET_PHASE, 2, 1)
    here.settle()
    assert [here.exchange.depth(number).phase for number in (1, 2)] == [Phase.CONTINUOUS, Phase.HALTED]
    instruments = here.exchange.follower.instruments()
    assert [known.phase for known in instruments.instruments] == [Phase.CONTINUOUS, Phase.HALTED]
    assert len(instruments.orders) == 0


def test_a_snapshot_has_all_that_is_published_and_its_checksum(here: Harness) -> None:
    rng, client = random.Random(6), here.client(1)
    assert here.exchange.follower.snapshot().checksum == 0
    for _ in range(10):
        trade(here, rng, client)
        snapshot = here.exchange.follower.snapshot()
        assert snapshot.seq_num == here.exchange.store.next_sequence - 1
        reports = here.exchange.store.array(1, snapshot.seq_num)
        assert snapshot.checksum == linked_records(0, reports.data, REPORT.itemsize)
        builder = BookBuilder(here.exchange.engine.instruments.values(), capacity=10_000)
        builder.load_snapshot(snapshot)
        assert builder.digest() == snapshot.digest == here.exchange.digest()


def test_questions_beside_a_thread_that_follows(here: Harness) -> None:
    rng, client = random.Random(7), here.client(1)
    follower = here.exchange.follower
    runner = threading.Thread(target=follower.run)
    runner.start()
    samples = 0
    try:
        for _ in range(30):
            trade(here, rng, client)
            samples += follower.depths([1], 1) is not None
            assert follower.snapshot().digest == here.exchange.digest()
    finally:
        follower.end()
        runner.join()
    assert samples > 0
    assert follower.failure is None


def test_a_follower_that_failed_gives_no_snapshot(here: Harness) -> None:
    follower = here.exchange.follower
    follower._fail(ValueError("by the test"))
    here.client(1).send(new(1))
    here.iterate(5)
    for question in (follower.snapshot, lambda: follower.depth(1)):
        with pytest.raises(RuntimeError, match="by the test"):
            question()
    assert here.exchange.failure == "follower: by the test"


def test_a_volatile_exchange_waits_for_its_follower() -> None:
    from pricetime.log.commit_log import VOLATILE_COMMANDS

    with harness() as here:
        client = here.client(1)
        log = here.exchange.log
        while log.last < VOLATILE_COMMANDS:
            client.send(*(cancel(1) for _ in range(500)))
            here.iterate(20)
            client.receive()
        for _ in range(5):
            client.send(cancel(1))
            here.iterate(20)
        assert log.last == VOLATILE_COMMANDS < here.exchange.progress()[0]
        while log.last != here.exchange.progress()[0]:
            assert here.exchange.follower.iterate()
            here.iterate()
        here.settle()
        while here.exchange.follower.iterate():
            pass
        assert log.last == here.exchange.progress()[0] == here.exchange.follower.sequence


def test_it_runs_no_command_before_it_is_durable(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    client.send(new(1), new(2))
    here.iterate(5)
    here.follow()
    assert (here.exchange.log.last, here.exchange.follower.sequence) == (2, 0)
    here.commit()
    here.follow()
    assert here.exchange.follower.sequence == 2
    here.close()


def test_a_server_that_was_started_with_nice_stays_as_nice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user may not take niceness back: the follower failed, and the exchange with it."""

    def refuse(*_: int) -> None:
        raise PermissionError(13, "Permission denied")

    here = Kept(tmp_path / "j")
    monkeypatch.setattr("os.getpriority", lambda *_: 10)
    monkeypatch.setattr("os.setpriority", refuse)
    here.exchange.follower.end()
    here.exchange.follower.run()
    assert here.exchange.failure is None
    here.close()


def test_files_that_are_gone_are_a_failure_of_the_journal(tmp_path: Path) -> None:
    """The follower may see it before the syncer does: the log names the journal all the same."""
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1, BID, 100))
    here.commit()
    (tmp_path / "j").rename(tmp_path / "gone")
    here.exchange.follower.run()
    assert here.exchange.journal_failure is not None
    assert here.exchange.failure == here.exchange.journal_failure
    assert "reading the files failed: [Errno 2]" in here.exchange.failure
    assert here.journal.log.failed
    here.close()


def test_a_difference_is_a_failure_of_the_exchange(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    client = here.client(1)
    client.ask(new(1, BID, 100))
    here.follow()
    follower: Any = here.exchange.follower
    stray = command(CommandType.NEW_ORDER, sequence=1, instrument=1, order_id=5, side=BID, price=100, quantity=10)
    follower.machine.run(stray)
    here.commit()
    client.send(new(2, ASK, 100, 20))
    here.iterate(5)
    here.commit()
    follower.run()
    assert here.exchange.failure is not None
    assert "produce other reports" in here.exchange.failure
    assert here.exchange.journal_failure is None
    here.close()


def test_snapshots_come_by_count_and_only_of_what_is_on_the_disk(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", snapshot_every=10, segment_bytes=8192)
    client = here.client(1)
    client.ask(*(new(n) for n in range(9)))
    here.follow()
    assert here.exchange.follower.newest == 0
    client.ask(*(new(n) for n in range(9, 14)))
    here.follow()
    assert not list((tmp_path / "j").glob("*.snapshot")), "it is taken, and waits"
    client.ask(new(14))
    here.commit()
    here.follow()
    assert here.told("snapshot")["sequence"] == 14
    assert [file.name for file in (tmp_path / "j").glob("*.snapshot")] == [f"{14:020}.snapshot"]
    here.close()


def test_snapshots_come_by_time(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", snapshot_every=0, snapshot_interval_s=3600)
    here.client(1).ask(new(1))
    here.commit()
    here.follow()
    assert not here.events_log.of("snapshot")
    here.exchange.follower._taken_s -= 3600
    here.follow()
    assert here.told("snapshot")["sequence"] == 1
    here.exchange.follower._taken_s -= 3600
    here.follow()
    assert len(here.events_log.of("snapshot")) == 1, "nothing came since"
    here.close()


@pytest.mark.parametrize("keep", [False, True])
def test_what_no_snapshot_needs_goes(keep: bool, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", segment_bytes=8192, keep_segments=keep)
    client = here.client(1)
    for n in range(400):
        client.ask(new(n), cancel(n))
        here.commit()
        here.make_room()
        if n % 50 == 49:
            here.follow(snapshot=True)
    assert len(list((tmp_path / "j").glob("*.snapshot"))) == 2
    assert ((tmp_path / "j" / "00000001.journal").exists()) is keep
    before = picture(here)
    here.kill()
    again = Kept(tmp_path / "j", segment_bytes=8192)
    assert picture(again) == before
    again.close()


def test_a_snapshot_that_cannot_be_written_is_only_logged(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    client = here.client(1)
    client.ask(new(1))
    here.commit()
    here.disk.failing = "create"
    here.exchange.follower.want_snapshot()
    here.exchange.follower.iterate()
    assert os.strerror(errno.ENOSPC) in here.told("snapshot failed")["error"]
    assert here.exchange.failure is None
    here.disk.failing = None
    client.ask(new(2))
    here.follow(snapshot=True)
    assert here.told("snapshot")["sequence"] == 2
    here.close()


def test_a_requested_snapshot_has_every_command_before_the_request(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    client.send(new(1), new(2))
    here.iterate(5)
    here.exchange.want_snapshot()  # the follower may not run the commands yet
    here.follow()
    assert not here.events_log.of("snapshot")
    here.commit()
    here.follow()
    assert here.told("snapshot")["sequence"] == 2
    here.close()


def test_asked_for_when_nothing_came(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    assert here.exchange.want_snapshot()
    here.follow()
    assert here.told("snapshot")["meaning"] == "already written: no command since"
    here.close()


def test_stats(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1), new(2))
    here.follow(snapshot=True)
    stats = here.exchange.stats()
    assert [stats[f"{name}_sequence"] for name in ("log", "follower", "snapshot")] == [2, 2, 2]
    assert (stats["term"], stats["log_first"]) == (1, 1)
    assert stats["journal_synced"] == 2
    assert stats["journal_commits"] == 1
    here.close()


def test_a_late_subscriber_knows_phase_and_indicative_price(tmp_path: Path) -> None:
    """Also after a restart, and as one that was there from the beginning knows them."""
    here = Kept(tmp_path / "journal", acknowledge="memory", indicative_interval_ms=0)
    early = BookBuilder(here.exchange.instruments.values())
    answer(here, CommandType.SET_PHASE, 1, Phase.PRE_OPEN)
    here.client(1).ask(new(1, BID, 101, 10), new(2, ASK, 100, 7))
    answer(here, CommandType.INDICATE, 1)
    store = here.exchange.store
    early.apply(store.array(1, store.next_sequence - 1))
    expected = IndicativePrice(101, 7, 3, Side.BID, final=False)
    for again in range(3):
        late = BookBuilder(here.exchange.instruments.values())
        late.load_snapshot(here.exchange.follower.snapshot())
        assert late.instruments == early.instruments
        assert (late.auction(1), late.auction(2)) == (early.auction(1), early.auction(2)) == (expected, None)
        assert here.exchange.follower.instruments().auctions == (expected, None)
        here.follow(snapshot=again == 1)
        here.kill()
        here = Kept(tmp_path / "journal", acknowledge="memory", indicative_interval_ms=0)
    answer(here, CommandType.UNCROSS, 1, Phase.CONTINUOUS)
    late.load_snapshot(here.exchange.follower.snapshot())
    assert late.auction(1) == expected._replace(final=True)
    here.close()
