"""``pricetime follow``: a second book, kept in step with an exchange by its journal."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..address import parse, text
from ..errors import PricetimeError
from .journal import directory_of
from .place import Sectioned, shared

if TYPE_CHECKING:
    from ..journal.copy import JournalCopy
    from ..journal.directory import Directory
    from ..journal.errors import JournalError
    from ..journal.replay import Replay

#: How long a look lasts where nothing comes, and how long a lost connection is left alone.
NAP_S, AGAIN_S = 0.005, 1.0

#: Pieces that are taken in a row, before what they hold is replayed.
PIECES = 64


class Differs(click.ClickException):
    """The books here are not those of the exchange."""

    exit_code = 4


class NotFollowed(click.ClickException):
    """There is nothing to follow."""

    exit_code = 2


@dataclass
class Options:
    """Where a journal is, and when it is enough."""

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
    "--into", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="With HOST:PORT: directory for the copy; one that was begun before goes on.",
)  # fmt: skip
@shared("owner", "secrets_file")
@click.option("--whole", is_flag=True, help="Begin as far back as there is something, not with the newest snapshot.")
@click.option("--every", type=click.FloatRange(0.01), default=1.0, show_default=True, help="Seconds between two lines.")
@click.option("--seconds", type=click.FloatRange(0), help="End after this time.")
@click.option("--until-idle", type=click.FloatRange(0), metavar="SECONDS", help="End when nothing came for this long.")
def follow(where: str, into: Path | None, owner: int, secrets_file: Path | None, **rest: object) -> None:
    """Follow the journal of an exchange and keep books in step with it.

    DIR is the journal of a server on this machine. HOST:PORT is that of a server elsewhere (its --journal-port): the
    journal is copied into a directory here, byte for byte, and a server may be started from the copy later on.

    Every report that the commands make here is held against those that the exchange made, and the books against its
    snapshots. The first difference ends it with exit code 4. Ctrl-C ends it with 0.

    \b
        pricetime follow /var/lib/exchange
        pricetime follow 10.0.0.1:7004 --into copy --owner 900 --secrets-file mine.toml
    """
    from ..journal.errors import JournalError, ReplayDiffers

    options = Options(into, owner, secrets_file, **rest)  # type: ignore[arg-type]  # click gives each the type of its option
    try:
        run(where, options)
    except ReplayDiffers as error:
        raise Differs(f"THE BOOKS DIFFER: {error}") from error
    except JournalError as error:
        raise NotFollowed(str(error)) from error
    except KeyboardInterrupt:
        pass


def run(where: str, options: Options) -> None:
    """Follow until it is enough."""
    from ..journal.directory import Directory

    path = Path(where)
    if path.is_dir():
        Following(directory_of(path), options).run()
        return
    try:
        address = parse(where)
    except ValueError as error:
        raise NotFollowed(f"{where} is no directory, and no HOST:PORT") from error
    if options.into is None:
        raise NotFollowed("say with --into where the copy goes: the journal is that of another machine")
    directory = Directory(options.into)
    directory.lock()
    try:
        CopiedFollowing(directory, options, address).run()
    finally:
        directory.unlock()


class Following:
    """Books that follow the journal in a directory here, and what is told of them."""

    def __init__(self, directory: Directory, options: Options) -> None:
        self.directory = directory
        self.options = options
        self.replay: Replay | None = None
        self.lag_ns = 0  #: between the time of a command and that of its replay, for the last one that came
        self._began = self._heard = self._told = time.monotonic()

    def run(self) -> None:
        """Step after step until it is enough. Raises JournalError, ReplayDiffers, OSError."""
        while not self.is_enough():
            if self.step():
                self._heard = time.monotonic()
            else:
                self.rest()
            if time.monotonic() - self._told >= self.options.every:
                self.tell()
        self.tell(books=True)

    def step(self) -> int:
        """Replay what is there now: how many commands."""
        from ..journal.replay import begin

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
        if not count and self.directory.segments()[0] > self.replay.reader.position.segment + 1:
            raise self._left_behind(self.replay)
        return count

    def _progress(self, _: int) -> None:
        assert self.replay is not None
        self.lag_ns = time.time_ns() - self.replay.timestamp
        if time.monotonic() - self._told >= self.options.every:
            self.tell()

    def _left_behind(self, replay: Replay) -> JournalError:
        """What is needed next has been removed, and nothing would ever come again."""
        from ..journal.errors import JournalError

        return JournalError(
            f"the journal goes on from segment {replay.reader.position.segment}, which is gone: the oldest is "
            f"{self.directory.segments()[0]}. This was too far behind: start it again, from a snapshot"
        )

    def rest(self) -> None:
        """Wait a little for more."""
        time.sleep(NAP_S)

    def behind(self) -> str:
        """How far the books here are behind, in words."""
        return f"the last came {self.lag_ns / 1e6:,.1f} ms after it was taken"

    def is_enough(self) -> bool:
        """Has it run, or been without anything new, for as long as was asked?"""
        now, options = time.monotonic(), self.options
        return (options.seconds is not None and now - self._began >= options.seconds) or (
            options.until_idle is not None and now - self._heard >= options.until_idle
        )

    def tell(self, *, books: bool = False) -> None:
        """A line, with the digest of the ``books`` where that is wanted: it takes a while where many orders rest."""
        self._told = time.monotonic()
        if self.replay is None:
            click.echo("nothing has come yet")
            return
        replay = self.replay
        click.echo(
            f"command {replay.sequence:,}: {self.behind()}; {len(replay.engine):,} orders rest; "
            f"{replay.checkpoints:,} checkpoints and {len(replay.snapshots):,} snapshots agree"
            + (f"; books {replay.digest():016x}" if books else "")
        )


class CopiedFollowing(Following):
    """The same with the journal of another machine, which is copied first."""

    def __init__(self, directory: Directory, options: Options, address: tuple[str, int]) -> None:
        super().__init__(directory, options)
        self.address = address
        self._copy: JournalCopy | None = None
        self._secret = secret_of(options)

    def run(self) -> None:
        try:
            super().run()
        finally:
            self._drop()

    def step(self) -> int:
        """Take what has come, and replay it."""
        if self._copy is None and not self._connect():
            return 0
        assert self._copy is not None
        try:
            pieces = self._take(self._copy)
        except (OSError, EOFError) as error:
            if isinstance(error, PricetimeError):
                raise
            click.echo(f"# the connection is lost: {error}")
            self._drop()
            return 0
        if self.replay is None and not self.directory.segments():
            return pieces  # a snapshot comes first
        return super().step()

    @staticmethod
    def _take(copy: JournalCopy) -> int:
        """The pieces that are there, up to some, waiting for the first."""
        pieces = 0
        while copy.receive():
            pieces += 1
            if pieces == PIECES or not copy.has_more():
                break
        return pieces

    def _connect(self) -> bool:
        from ..journal.copy import CopyRefused, JournalCopy

        position = None
        if self.replay is None and self.directory.segments():
            super().step()  # what an earlier copy has left
        if self.replay is not None:
            position = self.replay.reader.position
        try:
            self._copy = JournalCopy(self.address, self.options.owner, self._secret, self.directory, position)
        except CopyRefused:
            raise
        except OSError as error:
            if self.replay is None:
                raise NotFollowed(f"{text(self.address)}: {error.strerror or error}") from error
            click.echo(f"# no connection: {error.strerror or error}")
            time.sleep(AGAIN_S)
            return False
        return True

    def _drop(self) -> None:
        if self._copy is not None:
            self._copy.close()
            self._copy = None

    def rest(self) -> None:
        """``receive`` waits."""

    def behind(self) -> str:
        copy = self._copy
        if copy is None or self.replay is None:
            return "not connected"
        return f"{max(0, copy.sequence - self.replay.sequence):,} behind, {super().behind()}"


def secret_of(options: Options) -> bytes:
    """That of the owner, none where no file is given."""
    if options.secrets_file is None:
        return b""
    from ..gateway.secrets import read

    secret = read(options.secrets_file).follower(options.owner)
    if secret is None:
        remedy = f"`pricetime secret {options.owner} --follows`"
        raise NotFollowed(f"{options.secrets_file} has no owner {options.owner} who follows: {remedy}")
    return secret
