"""The control side of a server: everything that is not an order, on one loop in the main thread.

The login handler and the recovery server, signals, the log. The threads that carry orders are behind ``Exchange``;
a slow control thread does not slow them down.

SIGTERM and SIGINT: no more clients and no more orders, what is under way is brought out, exit code 0. SIGHUP: the
secrets are read again, and the states of the instruments, where the settings file says another than before; an owner
whose secret has gone or changed is logged out. SIGUSR1: a snapshot. What else the operator may do: ``operator.py``.
When the journal fails, nothing is waited for: exit code 3.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from ..errors import PricetimeError
from ..types import InstrumentState
from ..wire.types import AcknowledgementLevel, SessionReason
from .admin_server import AdminServer
from .config import GatewayConfig
from .errors import CannotStart
from .journal_server import JournalServer
from .log import Log, Seldom, is_for_people
from .login import LoginHandler
from .measured import Measured
from .operator import Exchange as Operated
from .operator import Operator
from .preflight import Preflight, read_secrets
from .recovery import RecoveryServer, Replica, Store

if TYPE_CHECKING:
    from .metrics_server import MetricsServer
    from .page.server import LivePage
    from .secrets import Secrets

#: How often the control side looks whether the exchange has failed.
WATCH_S = 0.1

#: How often the control side listens for another publisher on the feed's group, and how many addresses it names then.
LISTEN_EVERY_S, MOST_NAMED = 5.0, 5

#: A command that finds no room is tried again after this, and given up after so many times.
RETRY_S, RETRIES = 0.01, 200

#: What the gateway tells of sessions, by the number of the kind (``gateway/layout.pxd``).
SESSION_EVENTS = {1: "session began", 2: "session ended", 3: "login refused"}

#: Those that are counted with those of the login handler, and as what.
COUNTED = {2: "ended", 3: "refused"}

#: How a server ends: drained; not, or failed; its journal failed.
DRAINED, NOT_DRAINED, JOURNAL_FAILED = 0, 1, 3

#: Settings that SIGHUP changes.
READ_AGAIN = {"instruments", "secrets_file"}


class Exchange(Measured, Operated, Protocol):
    """The threads that carry orders, as the control side sees them. They run already when it gets them.

    Every method but ``wait_drained``, ``depth`` and ``open_orders`` returns at once, and is called in the thread of the
    loop; those of ``Measured`` in another too.
    """

    @property
    def store(self) -> Store:
        """The reports of the feed that are kept."""

    @property
    def replica(self) -> Replica:
        """The books as the feed tells them."""

    @property
    def failure(self) -> str | None:
        """Why the exchange cannot go on; None as long as it can."""

    @property
    def journal_failure(self) -> str | None:
        """What of the journal failed, which is such a reason; None as long as all is well, or without a journal."""

    @property
    def level(self) -> AcknowledgementLevel:
        """What a report promises of the command that made it."""

    @property
    def states(self) -> Mapping[int, InstrumentState]:
        """The states of the instruments at the start, which those of the settings are held against."""

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        """As ``login_handler.Admit``."""

    def set_state(self, instrument: int, state: InstrumentState) -> bool:
        """Send the command that opens or halts an instrument. False when there is no room for it now."""

    def begin_stop(self) -> None:
        """Take no more orders, and log every client out once it has its reports."""

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until every report has left and the threads have ended: False when they have not in this time.

        Called once, in a thread of its own, after ``begin_stop``.
        """

    def take_events(self) -> Iterable[tuple[int, int, int, int, int]]:
        """What happened to sessions since the last call: kind, owner, SessionReason, ns since 1970, next sequence."""

    def digest(self) -> int:
        """Of all books as subscribers see them. Called once, when everything is drained."""


class Control:
    """Serves until it is told to stop. The feed's socket stays open: it is the exchange's."""

    def __init__(self, config: GatewayConfig, prepared: Preflight, exchange: Exchange, log: Log) -> None:
        self._config = config
        self._prepared = prepared
        self._exchange = exchange
        self._log = log
        self._seldom = Seldom(log)
        self._states = dict(exchange.states)
        self._configured: dict[int, InstrumentState] = {}  # as the settings said last
        self._reloads: set[asyncio.Task[None]] = set()

    def run(self) -> int:
        """Serve until SIGTERM, SIGINT or ``stop``: the exit code. Signals are heard in the main thread alone."""
        return asyncio.run(self._serve())

    def stop(self, why: str) -> None:
        """End ``run``, from any thread."""
        self._loop.call_soon_threadsafe(self._stop, why)

    def reload(self) -> None:
        """Do what SIGHUP does, from any thread."""
        self._loop.call_soon_threadsafe(self._begin_reload)

    def snapshot(self) -> None:
        """Do what SIGUSR1 does, from any thread."""
        self._loop.call_soon_threadsafe(self._want_snapshot)

    async def _serve(self) -> int:
        self._loop = asyncio.get_running_loop()
        self._stopping: asyncio.Future[str] = self._loop.create_future()
        self._listen_to_signals()
        config, prepared, exchange = self._config, self._prepared, self._exchange
        self._operator = Operator(exchange, self._set_state, self._log)
        self._login_handler = LoginHandler(
            prepared.orders, config, prepared.secrets, exchange.admit, self._seldom, self._operator.blocked
        )
        self._recovery = RecoveryServer(prepared.recovery, config, exchange.store, exchange.replica, self._seldom)
        self._announce()
        await self._set_states(config)
        self._admin = self._serve_operator()
        self._login_handler.open()
        self._recovery.open()
        self._copies = self._serve_copies()
        self._metrics = self._serve_metrics()
        self._page = self._serve_page()
        watch = self._loop.create_task(self._watch())
        tell = self._loop.create_task(self._tell())
        listen = self._loop.create_task(self._listen())
        try:
            return await self._end(await self._stopping)
        finally:
            watch.cancel()
            tell.cancel()
            listen.cancel()
            self._login_handler.close()
            await self._recovery.close()
            for served in (self._copies, self._metrics, self._page, self._admin):
                if served is not None:
                    await served.close()

    def _serve_operator(self) -> AdminServer | None:
        """For ``pricetime admin``, where there is a socket for it."""
        if self._prepared.admin is None:
            return None
        made = AdminServer(self._prepared.admin.listener, self._operator.do, self._seldom)
        made.open()
        return made

    def _serve_copies(self) -> JournalServer | None:
        """For those who follow the journal, where they may."""
        listener, journal_service = self._prepared.journal, self._exchange.journal_service
        if listener is None or journal_service is None:
            return None
        made = JournalServer(
            listener,
            self._config,
            self._prepared.secrets,
            journal_service.directory,
            journal_service.extent,
            journal_service.level,
            self._seldom,
        )
        made.open()
        return made

    def _serve_metrics(self) -> MetricsServer | None:
        """For Prometheus, where it is wanted."""
        listener, journal_service = self._prepared.metrics, self._exchange.journal_service
        if listener is None:
            return None
        from .metrics_server import serve

        services = self._login_handler, self._recovery, self._copies
        first = 0 if journal_service is None else journal_service.first
        return serve(listener, self._config, self._exchange, services, first, self._seldom, self._prepared.listener)

    def _serve_page(self) -> LivePage | None:
        """For browsers, where there is a port for them."""
        if self._prepared.page is None:
            return None
        from .page.server import LivePage

        port = self._prepared.orders.getsockname()[1]
        made = LivePage(
            self._prepared.page, self._config, self._exchange, port, lambda: self._login_handler.secrets, self._seldom
        )
        made.open()
        return made

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop, number.name)
        self._loop.add_signal_handler(signal.SIGHUP, self._begin_reload)
        self._loop.add_signal_handler(signal.SIGUSR1, self._want_snapshot)

    def _announce(self) -> None:
        config, prepared = self._config, self._prepared
        for_people = is_for_people(config.log_format)  # who were shown where it listens
        if not for_people:
            self._log.info("settings", **config.model_dump(mode="json"))
        if prepared.files_missing:
            self._log.warning(
                "file limit is low",
                missing=prepared.files_missing,
                remedy="raise it with ulimit -n, or lower max_clients",
            )
        if prepared.secrets is None:
            self._log.warning("open", meaning="any login is taken without proof")
        if for_people:
            self._log.info("serving", pid=os.getpid(), acknowledge=self._exchange.level.name.lower())
            return
        self._log.info(
            "serving",
            pid=os.getpid(),
            host=str(config.host),
            port=prepared.orders.getsockname()[1],
            recovery_port=prepared.recovery.getsockname()[1],
            feed_group=str(config.feed_group),
            feed_port=config.feed_port,
            feed_interface=str(config.feed_interface),
            epoch=self._exchange.store.epoch,
            journal=None if config.journal is None else str(config.journal),
            admin_socket=None if prepared.admin is None else str(prepared.admin.path),
            journal_port=None if prepared.journal is None else prepared.journal.getsockname()[1],
            metrics_port=None if prepared.metrics is None else prepared.metrics.getsockname()[1],
            http_host=None if prepared.page is None else str(config.http_host),
            http_port=None if prepared.page is None else prepared.page.getsockname()[1],
            acknowledge=self._exchange.level.name.lower(),
            instruments=len(config.instruments),
            owners=None if prepared.secrets is None else len(prepared.secrets),
        )

    def _stop(self, why: str) -> None:
        if not self._stopping.done():
            self._stopping.set_result(why)

    async def _end(self, why: str) -> int:
        """Bring the exchange to its end: the exit code."""
        self._log.info("stopping", why=why)
        self._login_handler.close()
        self._exchange.begin_stop()
        drained = await asyncio.to_thread(self._exchange.wait_drained, self._config.drain_timeout_ms / 1000)
        failure = self._exchange.failure
        self._log_events()
        self._log_stats()
        say = self._log.info if drained and failure is None else self._log.error
        books = f"{self._exchange.digest():016x}" if drained else None
        say(
            "stopped",
            digest=books,
            last_sequence=self._exchange.store.next_sequence - 1,
            drained=drained,
            failure=failure,
        )
        if self._exchange.journal_failure is not None:
            return JOURNAL_FAILED
        return DRAINED if drained and failure is None else NOT_DRAINED

    async def _watch(self) -> None:
        """Log what happens to sessions, and stop when the exchange has failed."""
        while self._exchange.failure is None:
            self._log_events()
            await asyncio.sleep(WATCH_S)
        what = (
            "failed" if self._exchange.journal_failure is None else "journal failed: nothing is acknowledged any more"
        )
        self._log.error(what, failure=self._exchange.failure)
        self._stop("failure")

    async def _listen(self) -> None:
        """Listen to the feed's group for a moment, from time to time, and log it when there is another publisher."""
        listener = self._prepared.listener
        while listener is not None:
            listener.join()
            await asyncio.sleep(self._config.feed_listen_ms / 1000)
            if others := listener.others():
                self._log.error(
                    "another publisher on the feed's group: subscribers cannot trust what they receive",
                    addresses=[f"{host}:{port}" for host, port in others[:MOST_NAMED]],
                    remedy="stop it, or give one of the two another feed_group or feed_port",
                )
            listener.leave()
            await asyncio.sleep(LISTEN_EVERY_S)

    async def _tell(self) -> None:
        """Log what was done, from time to time."""
        while self._config.stats_interval_ms:
            await asyncio.sleep(self._config.stats_interval_ms / 1000)
            self._log_stats()

    def _log_events(self) -> None:
        """Log what happened to sessions: of a flood, a few and their number."""
        for kind, owner, reason, timestamp_ns, next_sequence in self._exchange.take_events():
            self._seldom.info(
                SESSION_EVENTS[kind], owner=owner, reason=SessionReason(reason).name, at_ns=timestamp_ns,
                next_sequence=next_sequence,
            )  # fmt: skip
            if kind in COUNTED:
                self._login_handler.counts[f"{COUNTED[kind]}: {SessionReason(reason).name}"] += 1
            if self._page is not None:
                self._page.sessions.note(kind, owner, timestamp_ns)

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
        """Read the settings and the secrets again. What is wrong with them changes nothing."""
        try:
            config = (await asyncio.to_thread(self._config.reread)).model_copy(update={"open": self._config.open})
            secrets = await asyncio.to_thread(read_secrets, config)
        except CannotStart as error:
            self._log.error("reload failed", error=str(error))
            return
        before, self._login_handler.secrets = self._login_handler.secrets, secrets
        changed = [name for name, value in config if value != getattr(self._config, name) and name not in READ_AGAIN]
        if self._copies is not None:
            self._copies.secrets = secrets
        self._log.info(
            "reloaded", owners=None if self._login_handler.secrets is None else len(self._login_handler.secrets)
        )
        if changed:
            self._log.warning("settings need a restart", changed=changed)
        if before is not None and secrets is not None:
            await self._revoke(before, secrets)
        await self._set_states(config)

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

    async def _set_states(self, config: GatewayConfig) -> None:
        """Bring every instrument into the state that the settings say, where they say another than before.

        What the operator halted stays so when the settings are read again.
        """
        for instrument in config.instruments:
            number, state = instrument.id, instrument.state
            known = self._states.get(number)
            if known is None:
                self._log.warning("new instruments need a restart", instrument=number)
            elif state is not self._configured.get(number) and (state is known or await self._set_state(number, state)):
                self._configured[number] = state

    async def _set_state(self, instrument: int, state: InstrumentState) -> bool:
        """Bring an instrument into a state. False if there is no such instrument, or no room."""
        if instrument not in self._states:
            return False
        for _ in range(RETRIES):
            if self._exchange.set_state(instrument, state):
                self._states[instrument] = state
                self._log.info("instrument state", instrument=instrument, state=state.name)
                return True
            await asyncio.sleep(RETRY_S)
        self._log.error("instrument state not set: the exchange has no room", instrument=instrument, state=state.name)
        return False
