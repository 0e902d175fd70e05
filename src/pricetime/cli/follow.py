"""``pricetime follow``: replays the journal of a running exchange into a second set of books."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..address import parse, text
from ..errors import PricetimeError
from ..phases import PHASES
from ..prices import in_currency
from ..types import Side
from .auction import auction_text, phase_text
from .journal import directory_of
from .place import Sectioned, secret_of, shared
from .stop import CannotRun

if TYPE_CHECKING:
    from ..log.copy import JournalCopy
    from ..log.directory import Directory
    from ..log.errors import JournalError
    from ..log.replay import Replay

#: Wait when there is nothing new, and delay before connecting again, in seconds.
IDLE_WAIT_S, RECONNECT_S = 0.005, 1.0

#: Maximum number of pieces received before their commands are replayed.
PIECES = 64


class Differs(click.ClickException):
    """The replayed books differ from those of the exchange."""

    exit_code = 4


@dataclass
class Options:
    """The options of the command."""

    into: Path | None = None
    owner: int = 0
    secrets_file: Path | None = None
    whole: bool = False
    every: float = 1.0
    seconds: float | None = None
    until_idle: float | None = None


@click.command(cls=Sectioned)
@click.argument("where", metavar="DIR|HOST:PORT")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="With HOST:PORT: directory for the copy. An earlier copy in it is continued.",
)
@shared("owner", "secrets_file")
@click.option("--whole", is_flag=True, help="Replay from the oldest available command, not from the newest snapshot.")
@click.option("--every", type=click.FloatRange(0.01), default=1.0, help="Seconds between two lines of output.")
@click.option("--seconds", type=click.FloatRange(0), help="End after this many seconds.")
@click.option("--until-idle", type=click.FloatRange(0), metavar="SECONDS", help="End after this long without commands.")
def follow(where: str, into: Path | None, owner: int, secrets_file: Path | None, **given: object) -> None:
    """Follow the journal of a running server and check it.

    DIR is the journal of a server on this machine. HOST:PORT is the --journal-port of a server on a different machine:
    its journal is copied to a local directory byte for byte, and a server can be started from the copy later.

    The command replays the journal. It compares the reports with the checkpoints of the journal, and the books with its
    snapshots. It ends with exit code 4 at the first difference, and with 0 on Ctrl-C.

    \b
        pricetime follow /var/lib/exchange
        pricetime follow 10.0.0.1:7004 --into copy --owner 900 --secrets-file mine.toml
    """
    from ..log.errors import JournalError, ReplayDiffers

    options = Options(into, owner, secrets_file, **given)  # type: ignore[arg-type]  # click gives each the type of its option
    try:
        run(where, options)
    except ReplayDiffers as error:
        raise Differs(f"the books differ: {error}") from error
    except JournalError as error:
        raise CannotRun(str(error)) from error
    except KeyboardInterrupt:
        pass


def run(where: str, options: Options) -> None:
    """Follow until an option ends it."""
    from ..log.directory import Directory

    path = Path(where)
    if path.is_dir():
        Following(directory_of(path), options).run()
        return
    try:
        address = parse(where)
    except ValueError as error:
        raise CannotRun(f"{where} is neither a directory nor HOST:PORT") from error
    if options.into is None:
        raise CannotRun("give --into DIR, a directory for the copy of the journal")
    directory = Directory(options.into)
    directory.lock()
    try:
        CopiedFollowing(directory, options, address).run()
    finally:
        directory.unlock()


class Following:
    """Replays the journal in a local directory and prints its progress."""

    def __init__(self, directory: Directory, options: Options) -> None:
        self.directory = directory
        self.options = options
        self.replay: Replay | None = None
        self.lag_ns = 0  #: time between receipt and replay of the last command
        self._began = self._last_new = self._printed_at = time.monotonic()

    def run(self) -> None:
        """Replay until an option ends it. Raises JournalError, ReplayDiffers and OSError."""
        while not self.is_enough():
            if self.step():
                self._last_new = time.monotonic()
            else:
                self.idle_wait()
            if time.monotonic() - self._printed_at >= self.options.every:
                self.print_status()
        self.print_status(books=True)

    def step(self) -> int:
        """Replay the commands that are there now. Returns how many."""
        from ..log.replay import begin

        if self.replay is None:
            self.replay = begin(
                self.directory, newest=not self.options.whole, told=lambda error: click.echo(f"# {error}")
            )
        before = self.replay.commands
        try:
            self.replay.run(progress=self._progress)
        except FileNotFoundError as error:
            raise self._left_behind(self.replay) from error
        count = self.replay.commands - before
        if not count and self.directory.segments()[0] > self.replay.position.segment + 1:
            raise self._left_behind(self.replay)
        return count

    def _progress(self, _: int) -> None:
        assert self.replay is not None
        self.lag_ns = time.time_ns() - self.replay.timestamp
        if time.monotonic() - self._printed_at >= self.options.every:
            self.print_status()

    def _left_behind(self, replay: Replay) -> JournalError:
        """The error when the next segment has been removed."""
        from ..log.errors import JournalError

        return JournalError(
            f"too far behind: segment {replay.position.segment} of the journal has been removed, and the oldest "
            f"is now {self.directory.segments()[0]}: start it again, from the newest snapshot"
        )

    def idle_wait(self) -> None:
        """Wait for new commands."""
        time.sleep(IDLE_WAIT_S)

    def behind(self) -> str:
        """How far the replay is behind, in words."""
        return f"replayed {self.lag_ns / 1e6:,.1f} ms after its receipt"

    def is_enough(self) -> bool:
        """Is the time of ``seconds`` or of ``until_idle`` over?"""
        now, options = time.monotonic(), self.options
        return (options.seconds is not None and now - self._began >= options.seconds) or (
            options.until_idle is not None and now - self._last_new >= options.until_idle
        )

    def print_status(self, *, books: bool = False) -> None:
        """Print a line. ``books``: with the digest of the books, which takes a while if there are many orders."""
        self._printed_at = time.monotonic()
        if self.replay is None:
            click.echo("no command received yet")
            return
        replay = self.replay
        click.echo(
            f"command {replay.sequence:,}: {self.behind()}; {len(replay.engine):,} resting orders; "
            f"{replay.checkpoints:,} checkpoints and {len(replay.snapshots):,} snapshots agree"
            + (f"; books {replay.digest():016x}" if books else "")
        )
        for phase in phases_of(replay):
            click.echo(f"  {phase}")


def phases_of(replay: Replay) -> Iterator[str]:
    """The instruments whose trading is not continuous: phase, and where the auction would trade."""
    for instrument in replay.machine.configuration.instruments:
        book = replay.engine.book(instrument.id)
        facts = [phase_text(book.phase)]
        if PHASES[book.phase].collects:
            write = partial(in_currency, unit=instrument.price_unit)
            price, volume, surplus = book.indicative() or (None, 0, 0)
            side = None if not surplus else Side.BID if surplus > 0 else Side.ASK
            facts.append(auction_text(price, volume, abs(surplus), side, write))
        if facts[0]:
            yield f"{instrument.symbol or f'instrument {instrument.id}'}: {', '.join(facts)}"


class CopiedFollowing(Following):
    """Copies the journal of a server on a different machine, and replays the copy."""

    def __init__(self, directory: Directory, options: Options, address: tuple[str, int]) -> None:
        super().__init__(directory, options)
        self.address = address
        self._copy: JournalCopy | None = None
        self._secret = secret_of(options.owner, options.secrets_file, follows=True)

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._drop()

    def step(self) -> int:
        """Receive what has arrived, and replay it."""
        if self._copy is None and not self._connect():
            return 0
        assert self._copy is not None
        try:
            pieces = self._take(self._copy)
        except (OSError, EOFError) as error:
            if isinstance(error, PricetimeError):
                raise
            click.echo(f"# connection lost: {error}")
            self._drop()
            return 0
        if self.replay is None and not self.directory.segments():
            return pieces  # the snapshot, which comes first, is not complete yet
        return super().step()

    @staticmethod
    def _take(copy: JournalCopy) -> int:
        """Wait for a piece, and receive the pieces that are there, at most PIECES. Returns how many."""
        pieces = 0
        while copy.receive():
            pieces += 1
            if pieces == PIECES or not copy.has_more():
                break
        return pieces

    def _connect(self) -> bool:
        from ..log.copy import CopyRefused, JournalCopy

        position = None
        if self.replay is None and self.directory.segments():
            super().step()  # replay what an earlier run has copied
        if self.replay is not None:
            position = self.replay.position
        try:
            self._copy = JournalCopy(self.address, self.options.owner, self._secret, self.directory, position)
        except CopyRefused:
            raise
        except OSError as error:
            if self.replay is None:
                raise CannotRun(f"{text(self.address)}: {error.strerror or error}") from error
            click.echo(f"# cannot connect: {error.strerror or error}")
            time.sleep(RECONNECT_S)
            return False
        return True

    def _drop(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def idle_wait(self) -> None:
        """Nothing to do: ``receive`` waits for new pieces."""

    def behind(self) -> str:
        copy = self._copy
        if copy is None or self.replay is None:
            return "not connected"
        return f"{max(0, copy.sequence - self.replay.sequence):,} commands behind, {super().behind()}"
