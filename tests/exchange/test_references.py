"""Public references over the lives of an exchange: two orders never share one, and all who see them agree."""

import random
from pathlib import Path

import numpy as np
import pytest

from pricetime.log.directory import Directory
from pricetime.log.replay import begin
from pricetime.types import ReportKind
from tests.exchange.harness import harness
from tests.exchange.kept import Kept, kept_streams
from tests.exchange.orders import ASK, BID, cancel, new, open_orders
from tests.exchange.standby.test_journal import ROOM, RULES, SMALL, trade
from tests.exchange.test_random import Crowd

HEAD_BYTES, RECORD_BYTES = 4096, 72


def lose(here: Kept, records: int) -> None:
    """Kill the process, and lose its newest commands that were not synced, as a loss of power does."""
    _, number, offset = here.journal.log.progress()
    _, synced_number, synced_offset = here.journal.log.synced_place
    folder = here.journal.directory.path
    first = synced_offset if synced_number == number else HEAD_BYTES
    here.kill()
    (folder / f"{number + 1:08}.journal").unlink(missing_ok=True)
    with (folder / f"{number:08}.journal").open("r+b") as file:
        file.truncate(max(first, offset - RECORD_BYTES * records))


def replayed(folder: Path) -> int:
    """The digest over references that the tools print."""
    replay = begin(Directory(folder))
    replay.run_to_end()
    return replay.digest()


@pytest.mark.parametrize("seed", range(8))
def test_no_two_orders_share_one_over_many_lives(seed: int, tmp_path: Path) -> None:
    """Ids are used again all the time; processes are killed, commands lost, rules changed."""
    rng = random.Random(seed)
    given: set[int] = set()
    folder = tmp_path / "j"
    for life in range(5):
        here = Kept(folder, instruments=rng.choice(RULES[: 1 + life]), **SMALL | ROOM)
        assert here.exchange.digest() == here.exchange.follower.snapshot().digest
        trade(here, Crowd(here, rng), rng, rng.randint(5, 30))
        check(here, given)
        if rng.random() < 0.6:
            lose(here, rng.randint(1, 60))
        else:
            digest = here.exchange.digest()
            here.kill()
            assert replayed(folder) == digest


def check(here: Kept, given: set[int]) -> None:
    """The orders accepted in this life have references that no order had; feed, owners, follower and engine agree."""
    feed = here.feed.reports()
    accepted = feed["order_id"][feed["kind"] == ReportKind.ACCEPTED].tolist()
    assert len(set(accepted)) == len(accepted)
    assert not given.intersection(accepted)
    given.update(accepted)
    told: list[int] = []
    for stream in kept_streams(here, 2**12).values():
        told += stream["maker_id"][stream["kind"] == ReportKind.ACCEPTED].tolist()
    assert len(set(told)) == len(told)
    assert set(accepted) <= set(told)
    given.update(told)  # also of orders that wait, which the feed does not have
    assert here.exchange.digest() == here.exchange.follower.snapshot().digest
    references = here.exchange.engine.dump().resting["reference"]
    assert set(references.tolist()) <= given
    assert len(np.unique(references)) == len(references)


@pytest.mark.parametrize("snapshot", [False, True])
def test_that_of_a_lost_order_is_not_given_again(snapshot: bool, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(7, keep_orders=True).ask(new(1), new(2), new(3))
    assert here.feed.reports()["order_id"].tolist() == [1, 2, 3]
    lose(here, 1)
    here = Kept(tmp_path / "j")
    epoch = here.exchange.store.epoch
    client = here.client(7, keep_orders=True)
    assert [report.maker_id for report in client.ask(open_orders(1))[:-1]] == [1, 2]
    [accepted] = client.ask(new(3))
    assert accepted.maker_id == epoch, "references continue at the time of the new epoch"
    if snapshot:
        here.follow(snapshot=True)
    digest = here.exchange.digest()
    here.kill()
    assert replayed(tmp_path / "j") == digest
    here = Kept(tmp_path / "j")
    assert (here.exchange.digest(), here.exchange.store.epoch) == (digest, epoch)
    client = here.client(7, keep_orders=True)
    assert [report.maker_id for report in client.ask(new(4), cancel(1))] == [epoch + 1, 0]
    here.close()


@pytest.mark.parametrize("owners", [(65535, 300), (7, 7)])
def test_a_reference_says_nothing_about_its_owner(owners: tuple[int, int]) -> None:
    """The same orders of other owners, or of one: the feed is the same to the byte."""
    assert feed_of(*owners) == feed_of(1, 2)


def feed_of(*owners: int) -> bytes:
    with harness() as here:
        clients = {owner: here.client(owner) for owner in owners}
        for n in range(30):
            side, price = (BID, 90 + n) if n % 3 else (ASK, 100)
            clients[owners[n % 2]].ask(new(10 * (n % 2) + n % 5, side, price, 1 + n), cancel(10 * (n % 2)))
        return here.feed.reports().tobytes()
