"""The control side of a server: everything except orders, in one asyncio loop in the main thread.

It runs the login handler, the recovery server and the other servers, handles signals and writes the log. The threads
that carry orders are behind ``Exchange``; a slow control thread does not slow them down.

- SIGTERM, SIGINT: accept no more clients and orders, execute and report pending commands, exit with code 0.
- SIGHUP: read the secrets and the phases of the instruments again. An owner whose secret was removed or changed is
  logged out. An instrument changes its phase only if its entry in the settings has changed. Instruments with a schedule
  follow it (``clock.py``).
- SIGUSR1: take a snapshot.

``operator.py`` holds the commands of ``pricetime admin``. If the journal fails, the server stops at once with exit code
3.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ...errors import PricetimeError
from ...types import Phase
from ...wire.types import SessionReason
from ..exchange import Exchange
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from ..settings.server_log import LimitedLog, Log, is_for_people
from .acceptor import Acceptor
from .admin_server import AdminServer
from .clock import Clock
from .commands import Commands, Refused
from .journal_server import JournalServer
from .login import LoginHandler
from .operator import Operator
from .preflight import Preflight, read_secrets
from .retransmission import RecoveryServer
from .schedule import Interruption, Schedule

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from .secrets import Secrets

#: Interval of checks whether the exchange has failed, in seconds.
WATCH_S = 0.1

#: Interval of checks for a second publisher on the feed's group, in seconds, and how many addresses the log names.
LISTEN_EVERY_S, MOST_NAMED = 5.0, 5

#: Log events by the kind of a session event, EVENT_... in ``exchange/io/layout.pxd``.
SESSION_EVENTS = {1: "session began", 2: "session ended", 3: "login rejected"}

#: Session events that also count in the counters of the login handler, with the prefix of the counter's name.
COUNTED = {2: "ended", 3: "rejected"}

#: Exit codes: all commands answered; not all answered, or the exchange failed; the journal failed.
DRAINED, NOT_DRAINED, JOURNAL_FAILED = 0, 1, 3

#: Settings that SIGHUP can change.
READ_AGAIN = {"instruments", "secrets_file"}


class Page(Protocol):
    """The live page, as the control side sees it."""

    def open(self) -> None:
        """Begin to accept connections."""

    def note_session(self, kind: int, owner: int, timestamp_ns: int) -> None:
        """A session event, see ``Exchange.take_events``."""

    async def close(self) -> None:
        """Close every connection, and stop."""


#: Makes the live page from its listening socket, the settings, the exchange, the port for orders, a function that gives
#: the current secrets, and the log.
MakePage: TypeAlias = Callable[..., Page]


class Control:
    """Serves until a signal. It does not close the feed's socket, which belongs to the exchange."""

    def __init__(
        self,
        config: GatewayConfig,
        prepared: Preflight,
        exchange: Exchange,
        log: Log,
        make_page: MakePage | None = None,
        collectors: Iterable[Collector] = (),
    ) -> None:
        self._make_page = make_page
        self._collectors = collectors
        self._config = config
        self._prepared = prepared
        self._exchange = exchange
        self._log = log
        self._limited_log = LimitedLog(log)
        self._configured: dict[int, Phase] = {}  # phases in the settings when they were last read
        self._reloads: set[asyncio.Task[None]] = set()

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT. Returns the exit code. Signals are handled only in the main thread."""
        return asyncio.run(self._serve())

    async def _serve(self) -> int:
        self._loop = asyncio.get_running_loop()
        self._stopping: asyncio.Future[str] = self._loop.create_future()
        self._listen_to_signals()
        config, prepared, exchange = self._config, self._prepared, self._exchange
        self._commands = Commands(exchange)
        self._operator = Operator(exchange, self._commands, self._log)
        clock = Clock(exchange, self._commands, schedules(config), self._log)
        self._login_handler = LoginHandler(
            prepared.orders, config, prepared.secrets, exchange.admit, self._limited_log, self._operator.blocked
        )
        self._recovery = RecoveryServer(
            prepared.recovery, config, exchange.store, exchange.follower, self._limited_log, lambda: exchange.term
        )
        self._copies: JournalServer | None = None
        self._page: Page | None = None
        self._announce()
        await self._set_phases(config)
        await clock.start()  # no client logs in before the instruments are in their phases
        servers = [self._recovery, *self._wanted_servers()]
        self._login_handler.open()
        for server in servers:
            server.open()
        works = self._watch(), self._log_stats_regularly(), self._listen(), clock.run()
        tasks = [self._loop.create_task(work) for work in works]
        try:
            return await self._end(await self._stopping)
        finally:
            for task in tasks:
                task.cancel()
            await self._login_handler.close()
            for server in servers:
                await server.close()

    def _wanted_servers(self) -> Iterator[Acceptor | Page]:
        """The servers for the operator, followers of the journal, Prometheus and browsers, as far as configured."""
        config, prepared, exchange, log = self._config, self._prepared, self._exchange, self._limited_log
        if prepared.admin is not None:
            yield AdminServer(prepared.admin.listener, self._operator.do, log)
        if prepared.journal is not None and exchange.journal is not None:
            self._copies = JournalServer(prepared.journal, config, prepared.secrets, exchange.journal, log)
            yield self._copies
        if prepared.metrics is not None:
            from .metrics_server import metrics_of

            services = self._login_handler, self._recovery, self._copies
            yield metrics_of(prepared.metrics, config, exchange, services, log, prepared.listener, self._collectors)
        if prepared.page is not None and self._make_page is not None:
            port = port_of(prepared.orders)
            self._page = self._make_page(
                prepared.page, config, exchange, port, lambda: self._login_handler.secrets, log
            )
            yield self._page

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop, number.name)
        self._loop.add_signal_handler(signal.SIGHUP, self._begin_reload)
        self._loop.add_signal_handler(signal.SIGUSR1, self._want_snapshot)

    def _announce(self) -> None:
        config, prepared = self._config, self._prepared
        for_people = is_for_people(config.log_format)  # then serve() has printed the addresses already
        facts: dict[str, object] = {"pid": os.getpid(), "acknowledge": self._exchange.level.name.lower()}
        if not for_people:
            self._log.info("settings", **config.model_dump(mode="json"))
            facts |= {
                "host": str(config.host),
                "port": port_of(prepared.orders),
                "recovery_port": port_of(prepared.recovery),
                "feed_group": str(config.feed_group),
                "feed_port": config.feed_port,
                "feed_interface": str(config.feed_interface),
                "epoch": self._exchange.store.epoch,
                "term": self._exchange.term,
                "journal": None if config.journal is None else str(config.journal),
                "admin_socket": None if prepared.admin is None else str(prepared.admin.path),
                "journal_port": port_of(prepared.journal),
                "metrics_port": port_of(prepared.metrics),
                "http_host": None if prepared.page is None else str(config.http_host),
                "http_port": port_of(prepared.page),
                "instruments": len(config.instruments),
                "owners": None if prepared.secrets is None else len(prepared.secrets),
            }
        if prepared.files_missing:
            remedy = "raise it with ulimit -n, or lower max_clients"
            self._log.warning("file limit is low", missing=prepared.files_missing, remedy=remedy)
        if prepared.secrets is None:
            self._log.warning("open", meaning="every login is accepted without a secret")
        self._log.info("serving", **facts)

    def _stop(self, why: str) -> None:
        if not self._stopping.done():
            self._stopping.set_result(why)

    async def _end(self, why: str) -> int:
        """Stop the exchange. Returns the exit code."""
        self._log.info("stopping", reason=why)
        await self._login_handler.close()
        self._exchange.begin_stop()
        drained = await asyncio.to_thread(self._exchange.wait_drained, self._config.drain_timeout_ms / 1000)
        failure = self._exchange.failure
        self._log_events()
        self._log_stats()
        say = self._log.info if drained and failure is None else self._log.error
        books = f"{self._exchange.digest():016x}" if drained else None
        last = self._exchange.store.next_sequence - 1
        say("stopped", digest=books, last_sequence=last, drained=drained, failure=failure)
        if self._exchange.journal_failure is not None:
            return JOURNAL_FAILED
        return DRAINED if drained and failure is None else NOT_DRAINED

    async def _watch(self) -> None:
        """Log session events, and stop the server when the exchange has failed."""
        while self._exchange.failure is None:
            self._log_events()
            await asyncio.sleep(WATCH_S)
        failed = self._exchange.journal_failure is not None
        what = "journal failed: the server acknowledges no command" if failed else "failed"
        self._log.error(what, failure=self._exchange.failure)
        self._stop("failure")

    async def _listen(self) -> None:
        """Listen to the feed's group for a moment at intervals, and log a second publisher."""
        listener = self._prepared.listener
        while listener is not None:
            listener.join()
            await asyncio.sleep(self._config.feed_listen_ms / 1000)
            if others := listener.others():
                self._log.error(
                    "second publisher on the feed's group: subscribers cannot trust the feed",
                    addresses=[f"{host}:{port}" for host, port in others[:MOST_NAMED]],
                    remedy="stop it, or give one of the two a different feed_group or feed_port",
                )
            listener.leave()
            await asyncio.sleep(LISTEN_EVERY_S)

    async def _log_stats_regularly(self) -> None:
        """Log the counters at intervals."""
        while self._config.stats_interval_ms:
            await asyncio.sleep(self._config.stats_interval_ms / 1000)
            self._log_stats()

    def _log_events(self) -> None:
        """Log and count the session events since the last call."""
        for kind, owner, reason, timestamp_ns, next_sequence in self._exchange.take_events():
            self._limited_log.info(
                SESSION_EVENTS[kind], owner=owner, reason=SessionReason(reason).name, at_ns=timestamp_ns,
                next_sequence=next_sequence,
            )  # fmt: skip
            if kind in COUNTED:
                self._login_handler.counts[f"{COUNTED[kind]}: {SessionReason(reason).name}"] += 1
            if self._page is not None:
                self._page.note_session(kind, owner, timestamp_ns)

    def _log_stats(self) -> None:
        self._log.info(
            "stats",
            **self._exchange.stats(),
            pending_logins=len(self._login_handler),
            recovery_clients=len(self._recovery),
            login_handler=dict(self._login_handler.counts),
            recovery=dict(self._recovery.counts),
        )

    def _begin_reload(self) -> None:
        task = self._loop.create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _reload(self) -> None:
        """Read the settings and the secrets again. An error in them is logged and changes nothing."""
        try:
            config = (await asyncio.to_thread(self._config.reread)).model_copy(update={"open": self._config.open})
            secrets = await asyncio.to_thread(read_secrets, config)
        except CannotStart as error:
            self._log.error("reload failed", error=str(error))
            return
        before, self._login_handler.secrets = self._login_handler.secrets, secrets
        changed = [name for name, value in config if value != getattr(self._config, name) and name not in READ_AGAIN]
        if lasting(config) != lasting(self._config):
            changed.append("instruments")
        if self._copies is not None:
            self._copies.secrets = secrets
        self._log.info("reloaded", owners=None if secrets is None else len(secrets))
        if changed:
            self._log.warning("settings need a restart", changed=changed)
        if before is not None and secrets is not None:
            await self._revoke(before, secrets)
        await self._set_phases(config)

    async def _revoke(self, before: Secrets, after: Secrets) -> None:
        try:
            revoked = await self._operator.revoke(before, after)
        except PricetimeError as error:
            self._log.error("owners not logged out", error=str(error))
        else:
            if revoked:
                self._log.info("owners logged out", owners=revoked, reason=SessionReason.CREDENTIALS_REVOKED.name)

    def _want_snapshot(self) -> None:
        if not self._exchange.want_snapshot():
            self._log.warning("no snapshot: there is no journal")

    async def _set_phases(self, config: GatewayConfig) -> None:
        """Set the phase of every instrument whose phase in the settings has changed since they were last read.

        An instrument that the operator halted therefore stays halted when unchanged settings are read again.
        """
        known = self._exchange.phases
        for instrument in config.instruments:
            if instrument.id not in known:
                self._log.warning("new instruments need a restart", instrument=instrument.id)
        wanted = {one.id: one.phase for one in config.instruments if one.id in known and not one.schedule}
        changed = {number: phase for number, phase in wanted.items() if phase is not self._configured.get(number)}
        different = [(number, phase) for number, phase in changed.items() if phase is not known[number]]
        done = await asyncio.gather(*(self._set_phase(number, phase) for number, phase in different))
        failed = {number for (number, _), is_done in zip(different, done, strict=True) if not is_done}
        self._configured |= {number: phase for number, phase in changed.items() if number not in failed}

    async def _set_phase(self, instrument: int, phase: Phase) -> bool:
        """Begin a phase of an instrument. False if that is not possible."""
        try:
            answer = await self._commands.set_phase(instrument, phase)
        except Refused as error:
            self._log.error("instrument phase not set", instrument=instrument, phase=phase.name, error=str(error))
            return False
        if answer.is_rejected:
            reason = answer.reason.name
            self._log.error("instrument phase not set", instrument=instrument, phase=phase.name, rejected=reason)
            return False
        self._log.info("instrument phase", instrument=instrument, phase=phase.name)
        return True


def lasting(config: GatewayConfig) -> list[dict[str, Any]]:
    """What only a restart can change of the instruments that are known."""
    return [instrument.model_dump(exclude={"phase"}) for instrument in config.instruments]


def schedules(config: GatewayConfig) -> dict[int, Schedule]:
    """The schedule of each instrument. Random times are drawn here, outside the engine, so they are in the journal."""
    draw = SystemRandom().uniform
    return {
        one.id: Schedule(
            one.timetable(), Interruption(one.interruption_s, one.interruption_within_s), lambda most: draw(0, most)
        )
        for one in config.instruments
    }


def port_of(listener: socket.socket | None) -> int | None:
    """The port of a listening socket; None without one."""
    return None if listener is None else int(listener.getsockname()[1])
