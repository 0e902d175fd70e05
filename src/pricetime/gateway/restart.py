"""From the files of a journal to an exchange that goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..core.engine import Engine
from ..core.references import References
from ..journal.configuration import Configuration
from ..journal.directory import Directory
from ..journal.errors import SnapshotDamaged
from ..journal.position import Position
from ..journal.reader import Reader
from ..journal.segment import boot_id
from ..journal.snapshot import Restored, newest_good
from ..journal.tail import cut
from ..wire.types import AcknowledgementLevel
from .config import GatewayConfig
from .errors import CannotStart
from .log import Log
from .reconfigure import reconfigure
from .standby import Standby
from .state import ExchangeState, configuration_of

#: A replay says this often how far it is.
TELL_S = 2.0


class MakeState(Protocol):
    """Makes an empty state, or one with these books."""

    def __call__(
        self, configuration: Configuration, books: tuple[Engine, References] | None = None
    ) -> ExchangeState: ...


class Recovered(NamedTuple):
    """An exchange as its journal leaves it."""

    state: ExchangeState
    position: Position | None  #: behind the last command; None for a new journal
    snapshot: int  #: the last command of the newest good snapshot, 0 when there is none

    @property
    def sequence(self) -> int:
        """Of the last command."""
        return 0 if self.position is None else self.position.sequence


def recover(settings: GatewayConfig, directory: Directory, make: MakeState, log: Log) -> Recovered:
    """The state that a locked journal leaves, under the settings; what is torn at its end is cut.

    Raises CannotStart, JournalError where it is damaged, OSError.
    """
    numbers = directory.segments()
    if not numbers:
        return _begin(settings, directory, make)
    began = time.monotonic()
    restored = newest_good(directory, lambda error: _tell_damaged(log, error))
    if restored is None and numbers[0] != 1:
        raise CannotStart(
            f"journal: {directory.path} begins with segment {numbers[0]}, and no snapshot of what was before it can be "
            f"used: look closer with pricetime journal inspect {directory.path}"
        )
    standby = _stand(directory, restored, make)
    started_at = standby.position.sequence
    _replay(standby, log)
    reader = standby.reader
    tail = reader.judge()
    boot, level = reader.boot, reader.level
    kept = cut(directory, tail)
    state, sequence = standby.state, standby.position.sequence
    # reports of what is not there any more may have been published
    if tail.lost or (boot != boot_id() and level != AcknowledgementLevel.DURABLE):
        state.store.epoch = time.time_ns()
    log.info(
        "recovered",
        journal=str(directory.path),
        snapshot=started_at if restored else None,
        replayed=sequence - started_at,
        sequence=sequence,
        checkpoints=standby.checkpoints,
        orders=len(state.engine),
        sessions=len(state.streams()),
        digest=f"{state.digest():016x}",
        cut_bytes=tail.cut_bytes,
        kept_in=[path.name for path in kept],
        seconds=round(time.monotonic() - began, 3),
    )
    for change in reconfigure(state, settings):
        log.warning("configuration changed", change=change)
    return Recovered(state, standby.position, started_at if restored else 0)


def _begin(settings: GatewayConfig, directory: Directory, make: MakeState) -> Recovered:
    """A new journal. Raises CannotStart when it is none."""
    if directory.snapshots():
        raise CannotStart(
            f"journal: {directory.path} has snapshots and no segment: bring back the files that end in .journal, or "
            f"give another directory"
        )
    state = make(configuration_of(settings))
    state.store.epoch = time.time_ns()
    return Recovered(state, None, 0)


def _tell_damaged(log: Log, error: SnapshotDamaged) -> None:
    log.warning("snapshot left out", error=str(error))


def _stand(directory: Directory, restored: Restored | None, make: Callable[..., ExchangeState]) -> Standby:
    """What replays: from the snapshot on, or from the first command."""
    if restored is None:
        return Standby(make(Reader(directory).configuration), directory)
    state = make(restored.configuration, (restored.engine, restored.references))
    state.load(restored.snapshot)
    return Standby(state, directory, restored.snapshot.position)


def _replay(standby: Standby, log: Log) -> None:
    """Everything that is there. A long replay says how far it is."""
    first = standby.position.sequence
    began = told = time.monotonic()
    while standby.step():
        now = time.monotonic()
        if now - told >= TELL_S:
            told = now
            done = standby.position.sequence - first
            log.info("recovering", replayed=done, sequence=first + done, per_second=round(done / (now - began)))
