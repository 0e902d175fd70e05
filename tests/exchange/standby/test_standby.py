"""Who follows a journal: from the directory alone, and behind a server that runs."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.exchange.settings.config import GatewayConfig, InstrumentConfig
from pricetime.exchange.standby.standby import Standby
from pricetime.exchange.standby.restart import make_machine
from pricetime.log.directory import Directory
from pricetime.log.errors import ReplayDiffers
from pricetime.log.reader import Reader
from tests.exchange.harness import SMALL
from tests.exchange.kept import Kept, picture
from tests.exchange.orders import ASK, BID, cancel, new


def standby_of(folder: Path, **settings: Any) -> Standby:
    """One that begins with the first command, and has no server."""
    directory = Directory(folder)
    return Standby(make_machine(GatewayConfig(**(SMALL | {"journal": folder} | settings)), Reader(directory).configuration), directory)


def bring_up(standby: Standby) -> None:
    while standby.step():
        pass


def test_it_keeps_in_step_with_a_directory_alone(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", segment_bytes=8192)
    client = here.client(1)
    standby = standby_of(tmp_path / "j")
    assert not standby.step()
    for n in range(100):
        client.ask(new(n, 1 + n % 2, 100, 10), cancel(n // 2))
        here.commit()
        here.make_room()
        bring_up(standby)
        assert standby.position.sequence == 2 * n + 2
        assert standby.state.engine.digest() == here.exchange.engine.digest()
        assert standby.state.matcher.report_checksum == here.exchange.machine.matcher.report_checksum
    assert standby.state.digest() == here.exchange.digest()
    assert standby.state.store.epoch == here.exchange.store.epoch
    assert standby.state.streams.next_sequences() == here.exchange.machine.streams.next_sequences()
    assert standby.checkpoints > 50
    assert 0 < standby.synced <= here.journal_service.writer.synced()
    here.close()


def test_it_goes_on_under_other_rules(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1), new(2))
    here.kill()
    more = (InstrumentConfig(id=1, tick_size=5), InstrumentConfig(id=2), InstrumentConfig(id=3))
    here = Kept(tmp_path / "j", instruments=more)
    here.client(1).ask(new(3, price=101), new(4, price=105, instrument=3))
    standby = standby_of(tmp_path / "j")
    bring_up(standby)
    assert set(standby.state.engine.instruments) == {1, 2, 3}
    assert standby.state.engine.digest() == here.exchange.engine.digest()
    assert standby.state.matcher.report_checksum == here.exchange.machine.matcher.report_checksum
    here.close()


def test_few_at_a_time(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(*(new(n) for n in range(50)))
    standby = standby_of(tmp_path / "j")
    steps = 0
    while standby.step(7):
        steps += 1
    assert steps >= 8
    assert standby.state.engine.digest() == here.exchange.engine.digest()
    here.close()


def test_a_different_report_is_detected(tmp_path: Path) -> None:
    """Its engine has an order that the first never had."""
    here = Kept(tmp_path / "j")
    client = here.client(1)
    client.ask(new(1, BID, 100))
    here.commit()
    standby = standby_of(tmp_path / "j")
    standby.step()
    stray = np.zeros(1, here.exchange.engine.commands().dtype)
    stray[0] = here.exchange.engine.commands()[0]
    stray["order_id"] += 5
    standby.state.run(stray)
    client.ask(new(2, ASK, 100, 20))
    here.commit()
    client.ask(new(3, ASK, 100))
    with pytest.raises(ReplayDiffers, match="produce other reports"):
        bring_up(standby)
    here.close()


# ---------------------------------------------------------------------- behind a server


def test_a_server_that_was_started_with_nice_stays_as_nice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user may not take niceness back: the follower failed, and the exchange with it."""

    def refuse(*_: int) -> None:
        raise PermissionError(13, "Permission denied")

    here = Kept(tmp_path / "j")
    monkeypatch.setattr("os.getpriority", lambda *_: 10)
    monkeypatch.setattr("os.setpriority", refuse)
    here.journal_service.follower.end()
    here.journal_service.follower.run()
    assert here.exchange.failure is None
    here.close()


def test_files_that_are_gone_are_a_failure_of_the_journal(tmp_path: Path) -> None:
    """The follower may see it before the syncer does: the log names the journal all the same."""
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1, BID, 100))
    here.commit()
    (tmp_path / "j").rename(tmp_path / "gone")
    here.journal_service.follower.run()
    assert here.exchange.journal_failure is not None
    assert here.exchange.failure == here.exchange.journal_failure
    assert "reading the files failed: [Errno 2]" in here.exchange.failure
    assert here.journal_service.writer.failed()
    here.close()


def test_a_difference_is_a_failure_of_the_exchange(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    client = here.client(1)
    client.ask(new(1, BID, 100))
    here.follow()
    stray = here.exchange.engine.commands()
    stray["order_id"] += 5
    follower = here.journal_service.follower
    follower.standby.state.run(stray.copy())
    here.commit()
    client.ask(new(2, ASK, 100, 20))
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
    assert here.journal_service.follower.newest == 0
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
    here.journal_service.follower._taken_s -= 3600
    here.follow()
    assert here.told("snapshot")["sequence"] == 1
    here.journal_service.follower._taken_s -= 3600
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
    here.journal_service.follower.want_snapshot()
    here.journal_service.follower.iterate()
    assert os.strerror(errno.ENOSPC) in here.told("snapshot failed")["error"]
    assert here.exchange.failure is None
    here.disk.failing = None
    client.ask(new(2))
    here.follow(snapshot=True)
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
    assert [stats[f"{name}_sequence"] for name in ("journal", "follower", "snapshot")] == [2, 2, 2]
    assert stats["journal_synced"] == 2
    assert stats["journal_commits"] == 1
    here.close()
