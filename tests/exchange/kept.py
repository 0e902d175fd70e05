"""An exchange with a journal, whose turns, syncs and snapshots come when the test says so; and its sudden end."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.standby.journal import Journal
from pricetime.native.disk import Disk
from tests.exchange.harness import Harness
from tests.exchange.loops import Events


class BadDisk(Disk):
    """It fails from a given call on, permanently."""

    def __init__(self) -> None:
        self.failing: str | None = None

    def sync_range(self, mapping: Any, first: int, n_bytes: int) -> None:
        if self.failing == "sync_range":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        super().sync_range(mapping, first, n_bytes)

    def create(self, path: Path, n_bytes: int = 0) -> int:
        if self.failing == "create":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().create(path, n_bytes)


class Kept(Harness):
    """A harness with a journal in ``folder``."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.events_log = Events()
        self.disk = BadDisk()
        super().__init__(log=self.events_log.log, disk=self.disk, journal=folder, **settings)
        assert self.exchange.journal is not None
        self.journal: Journal = self.exchange.journal

    def commit(self) -> None:
        """Bring everything to the disk, as the syncer does."""
        self.journal.log.syncer._commit()

    def step(self) -> None:
        """One step of the syncer, with all that it may fail at."""
        try:
            self.journal.log.syncer._step()
        except OSError as error:
            self.journal.log.syncer._fail(error)

    def make_room(self) -> None:
        """Have a segment ready behind the one in use."""
        if len(self.journal.log.syncer._live) > 1:
            self.commit()
        while self.journal.log.writer.wants_segment and self.journal.log.syncer._make_room():
            pass

    def follow(self, *, snapshot: bool = False) -> None:
        """Let the follower come up, and take a snapshot of where it is then."""
        follower = self.exchange.follower
        while follower.iterate():
            pass
        if snapshot:
            self.commit()
            follower.want_snapshot()
            follower.iterate()

    def kill(self) -> None:
        """Be gone as a process is that is killed: nothing is synced, nothing said."""
        syncer = self.journal.log.syncer
        for live in (*syncer._live, *([syncer._ready] if syncer._ready else [])):
            self.disk.close(live.fd)
        self.journal.directory.unlock()
        for client in self.clients:
            client.socket.close()
        self.exchange._epoll.close()
        os.close(self.exchange._wake)
        self.feed.close()

    def copy_to(self, folder: Path) -> Path:
        """The files as they are at this moment: what a kill would leave."""
        shutil.copytree(self.journal.directory.path, folder)
        return folder

    def told(self, event: str) -> dict[str, Any]:
        """The newest event of a name in the log."""
        return self.events_log.of(event)[-1]


def picture(here: Harness) -> dict[str, Any]:
    """What must be identical in an exchange and in one that is recovered from its journal."""
    exchange = here.exchange
    owners, _ = exchange.machine.streams.dump(0)
    return {
        "books": exchange.engine.digest(),
        "queues": [part.tolist() for part in exchange.engine.dump()],
        "next_reference": exchange.engine.next_reference,
        "states": exchange.machine.phases(),
        "seq_num": exchange.engine.seq_num,
        "report_checksum": exchange.machine.matcher.report_checksum,
        "streams": owners[["owner", "next_sequence"]].tolist(),
        "feed": exchange.store.next_sequence,
        "epoch": exchange.store.epoch,
        "sequence": here.exchange.machine.sequence,
        "public": exchange.digest(),
        "follower": exchange.follower.snapshot().digest,
    }


def kept_streams(here: Harness, most: int) -> dict[int, NDArray[np.void]]:
    """The newest reports of each owner."""
    owners, reports = here.exchange.machine.streams.dump(most)
    ends = np.cumsum(owners["kept"])
    return dict(zip(owners["owner"].tolist(), np.split(reports, ends[:-1]), strict=True)) if len(owners) else {}


def kept_feed(here: Harness) -> NDArray[np.void]:
    store = here.exchange.store
    found: NDArray[np.void] = store.array(store.oldest, store.next_sequence - store.oldest)
    return found


def check_same(one: Harness, other: Harness) -> None:
    """``other`` was recovered from what ``one`` wrote, and may keep fewer old reports."""
    first, second = picture(one), picture(other)
    assert {name for name in first if first[name] != second[name]} == set()
    all_streams, some_streams = kept_streams(one, 1 << 30), kept_streams(other, 1 << 30)
    for owner, reports in some_streams.items():
        assert np.array_equal(all_streams[owner][len(all_streams[owner]) - len(reports) :], reports)
    all_of_feed, some_of_feed = kept_feed(one), kept_feed(other)
    assert np.array_equal(all_of_feed[len(all_of_feed) - len(some_of_feed) :], some_of_feed)
    other.exchange.engine.check()
