"""A node: runs a partition on this machine. It follows until it leads, and leads until a different node does.

    follow: journal <- stream;  recovery server, redirect of logins
    lead:   exchange -> journal -> stream;  everything that a server does

Each role begins with the journal of the one before. The lease says who tries to lead; the term record in the
stream makes the leader, and fences the one before it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..address import text
from ..exchange import server
from ..exchange.control.control import MakePage
from ..exchange.control.redirector import Leader, Redirector
from ..exchange.control.retransmission import RecoveryServer
from ..exchange.io import sockets
from ..exchange.settings.errors import CannotStart
from ..exchange.settings.server_log import LimitedLog, make_log
from ..exchange.standby.journal import Journal
from ..extras import require
from ..log.directory import Directory
from ..wire.types import AcknowledgementLevel
from .common import newest_known
from .connection import NatsUnavailable
from .following import Following
from .jetstream import JetStreamError
from .lease import RENEW_S, Holder, LeaseLost
from .link import Link, opened, subject_of
from .page import NO_DIGEST, ChainBroken, TermRecord
from .promise import PromiseUnknown
from .reader import Stored
from .rejoin import rejoin
from .replicator import Replicator
from .settings import ClusterConfig
from .store import KEPT
from .tasks import end

if TYPE_CHECKING:
    from .metrics import NodeCollector

#: A node that is so many messages behind does not try to lead, because it would have to read them first.
NEAR = 64

#: Pause before a node tries again after an outage, in seconds.
PAUSE_S = 0.2

#: So long a node that has just started waits until JetStream answers, in seconds.
START_S = 30.0

#: How often a follower looks for a new snapshot to store, in seconds.
STORE_S = 1.0

#: How often a follower looks how far it is behind, in seconds.
MEASURE_S = 1.0

#: A leader without an answer from JetStream stops after so long, in seconds, but not before it rejects orders as BUSY.
ALONE_S = 15.0

#: After it has stepped down, a node does not try to lead for so long, in seconds.
ASIDE_S = 8.0

#: Niceness of the replicator's thread if the cluster is not required, because then no order waits for it. Other threads
#: run first, but on a busy processor it still gets a tenth: it also renews the lease.
NICENESS = 10


class Node:
    """Runs until a signal: see ``run``. ``show_places``, ``make_page``: see ``exchange.server.run``."""

    def __init__(
        self,
        cluster: ClusterConfig,
        name: str,
        partition: str,
        make_page: MakePage | None = None,
        show_places: Callable[[Iterable[tuple[str, str]]], None] | None = None,
    ) -> None:
        self.cluster, self.name, self.partition = cluster, name, partition
        self.settings = cluster.exchange_of(name, partition)
        self.events = make_log(self.settings.log_level, self.settings.log_format).bind(node=name, partition=partition)
        self.role = "starting"
        self.leader: dict[str, str] = {}  #: who leads, as far as known: "node", "orders"
        self._make_page, self._show_places = make_page, show_places
        self._ended = False
        self._began_s = time.monotonic()
        self._aside_until_s = 0.0
        self._started_ns = time.time_ns()
        self._changes, self._last_leader = 0, ""  # how often a different node became the leader, and which one did
        self._retries = 0  # of earlier terms of this node
        self._behind = 0  # commands of the stream that this follower does not have, as last measured
        self._link: Link | None = None  # that is open
        self._revision = 0  # of the lease that this node holds
        self._following: Following | None = None
        self._replicator: Replicator | None = None

    def run(self) -> int:
        """Run until SIGTERM or SIGINT. Returns the exit code.

        Raises CannotStart, PromiseBroken, JournalError and MemoryError, which only a person can mend.
        """
        sys.setswitchinterval(server.SWITCH_INTERVAL_S)
        code: int | None = None
        while code is None and not self._ended:
            try:
                code = self._turn()
            except (NatsUnavailable, JetStreamError, PromiseUnknown) as error:
                late = time.monotonic() - self._began_s > START_S
                if self._following is None and (late or isinstance(error, NatsUnavailable)):
                    raise CannotStart(str(error)) from error
                self.role = "waiting"
                self.events.warning("waiting for NATS", error=str(error))
                time.sleep(PAUSE_S)
        return code or 0

    def _turn(self) -> int | None:
        """Follow, then lead if that is won. Returns the exit code, or None to begin the next turn."""
        if not asyncio.run(self._rejoin()):
            return None
        journal = Journal(self.settings, self.events)
        try:
            record = asyncio.run(self._follow(journal))
            return None if record is None else self._lead(journal, record)
        finally:
            journal.close()

    # ------------------------------------------------------------------ before it follows

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Link]:
        async with opened(self.cluster, self.partition, self.name, self.events) as link:
            self._link = link
            try:
                yield link
            finally:
                self._link = None

    async def _rejoin(self) -> bool:
        """Make the journal one that can follow the stream: see ``rejoin``. False if the node was stopped."""
        assert self.settings.journal is not None
        directory = Directory(self.settings.journal)
        with self._stoppable() as stopped:
            async with self._connected() as link:
                directory.lock()
                try:
                    await rejoin(link, directory, self.events)
                finally:
                    directory.unlock()
        return not stopped.is_set()

    @contextmanager
    def _stoppable(self) -> Iterator[asyncio.Event]:
        """An event that SIGTERM and SIGINT set, in the running asyncio loop."""
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()

        def stop() -> None:
            self._ended = True
            stopped.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        if self._ended:  # a signal came since the last time
            stopped.set()
        try:
            yield stopped
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
                signal.signal(number, self._stop)

    def _stop(self, *_: object) -> None:
        self._ended = True

    def _pass_on_stop(self) -> None:
        """End the exchange of a leader if a signal came before the exchange listened for signals."""
        if self._ended and self.role == "leader":
            self._ended = False  # the signal comes again: to the exchange, or to ``_stop`` if it still does not listen
            os.kill(os.getpid(), signal.SIGTERM)

    # ------------------------------------------------------------------ follow

    async def _follow(self, journal: Journal) -> Stored | None:
        """Follow until this node may lead: returns its term record in the stream. None: begin again, or stop."""
        self.role = "follower"
        self._following = following = Following(self.settings, journal, self.events)
        try:
            with self._stoppable() as stopped:
                async with AsyncExitStack() as open_:
                    link = await open_.enter_async_context(self._connected())
                    await self._answer(link)
                    await self._serve_while_following(open_, following)
                    after = await self._newest_known(link, following)
                    tasks = [
                        asyncio.ensure_future(self._apply(link, following, after)),
                        asyncio.ensure_future(self._try(link, following)),
                        asyncio.ensure_future(self._store_snapshots(link, following)),
                        asyncio.ensure_future(self._measure(link, following)),
                        asyncio.ensure_future(link.watch()),
                        asyncio.ensure_future(stopped.wait()),
                    ]
                    try:
                        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                        results = [task.result() for task in done]
                        return next((one for one in results if isinstance(one, Stored)), None)
                    finally:
                        await end(tasks)
        finally:
            following.close()

    async def _newest_known(self, link: Link, following: Following) -> Stored | None:
        """The message of the stream after which this node continues."""
        known = await newest_known(link.stream, following.sequence)
        if known is not None:
            following.term, following.stream_sequence = known.page.term, known.sequence
        return known

    async def _apply(self, link: Link, following: Following, after: Stored | None) -> None:
        async for stored in link.stream.read(after):
            await following.apply(stored)
            if isinstance(stored.page, TermRecord):
                record = stored.page
                self._note_leader({"node": record.node, **record.addresses}, record.began_ns)
                self.events.info("term", term=record.term, leader=record.node, sequence=record.last)

    def _note_leader(self, leader: dict[str, str], began_ns: int) -> None:
        self.leader = leader
        if began_ns >= self._started_ns:
            self._changes += self._last_leader not in {"", leader["node"]}
        self._last_leader = leader["node"]

    async def _measure(self, link: Link, following: Following) -> None:
        """Look at intervals how far this node is behind the end of the stream."""
        while True:
            with suppress(JetStreamError, ChainBroken):
                newest = await link.stream.newest()
                self._behind = 0 if newest is None else max(0, newest.page.last - following.sequence)
            await asyncio.sleep(MEASURE_S)

    async def _store_snapshots(self, link: Link, following: Following) -> None:
        """Copy new snapshots of the journal to the object store, for nodes that are far behind."""
        stored = following.newest
        while True:
            await asyncio.sleep(STORE_S)
            if following.newest <= stored:
                continue
            stored = following.newest
            try:
                if stored > max(await link.snapshots.sequences(), default=0):
                    await link.snapshots.put(following.journal.directory, stored, following.machine.configuration)
                    self.events.info("snapshot stored", sequence=stored)
                    await self._purge(link)
            except (JetStreamError, OSError) as error:
                self.events.warning("snapshot not stored", sequence=stored, error=str(error))

    async def _purge(self, link: Link) -> None:
        """Delete messages that two snapshots in the object store replace, if the cluster's file says so."""
        kept = await link.snapshots.sequences()
        if not self.cluster.purge or len(kept) < KEPT:
            return
        first = await link.stream.find(kept[-1] + 1)
        if first is not None:
            await link.stream.purge(first)
            self.events.info("messages deleted", before=first.page.first)

    async def _serve_while_following(self, open_: AsyncExitStack, following: Following) -> None:
        """Answer logins with the leader's address, and subscribers with reports and snapshots."""
        settings, log = self.settings, LimitedLog(self.events)
        orders = open_.enter_context(sockets.listen(settings.host, settings.port, "port", "host"))
        recovery = open_.enter_context(sockets.listen(settings.host, settings.recovery_port, "recovery_port", "host"))
        for service in (
            Redirector(orders, settings, self._known_leader, log),
            RecoveryServer(recovery, settings, following.machine.store, following, log, lambda: following.term),
        ):
            service.open()
            open_.push_async_callback(service.close)
        if settings.metrics_port is not None:
            from .metrics import follower_metrics

            listener = open_.enter_context(
                sockets.listen(settings.metrics_host, settings.metrics_port, "metrics_port", "metrics_host")
            )
            metrics = follower_metrics(listener, settings, self._collectors(), log)
            metrics.open()
            open_.push_async_callback(metrics.close)

    def _collectors(self) -> list[NodeCollector]:
        """The metrics of the node, if the settings want metrics."""
        if self.settings.metrics_port is None:
            return []
        require("prometheus_client", "metrics", "metrics_port")
        from .metrics import NodeCollector

        return [NodeCollector(self.status)]

    def _known_leader(self) -> Leader:
        """The leader that the stream names, unless that is this node in an earlier term."""
        term = self._following.term if self._following is not None else 0
        mine = self.leader.get("node") == self.name
        return Leader("" if mine else self.leader.get("orders", ""), term)

    # ------------------------------------------------------------------ leadership

    async def _try(self, link: Link, following: Following) -> Stored | None:
        """Wait until no node has the lease, take it, and append a term record. None: begin again."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                if not await self._is_elected(link, following):
                    continue
            except JetStreamError:
                continue
            renewing = asyncio.ensure_future(self._renew(link))
            try:
                return await self._begin_term(link, following)
            finally:
                await end([renewing])
                self._revision = link.lease.revision

    async def _is_elected(self, link: Link, following: Following) -> bool:
        """Take the lease if no node has it, and this node is not far behind. Raises JetStreamError."""
        holder = await link.lease.holder()
        if holder is not None or time.monotonic() < self._aside_until_s:
            return False
        last = (await link.stream.last()).stored
        if last is not None and last.sequence - following.stream_sequence > NEAR:
            return False
        return await link.lease.acquire(self._holder(following.term + 1))

    def _holder(self, term: int) -> Holder:
        return Holder(self.name, term, self._addresses())

    async def _renew(self, link: Link) -> None:
        """Renew the lease for ever; take it again if it has expired."""
        answered_s = time.monotonic()
        while True:
            self._pass_on_stop()
            term = self._following.term if self._following is not None else 0
            try:
                try:
                    await link.lease.renew(self._holder(term))
                except LeaseLost:
                    await link.lease.acquire(self._holder(term))
                answered_s = time.monotonic()
            except JetStreamError:
                self._leave_if_alone(time.monotonic() - answered_s)
            await asyncio.sleep(RENEW_S)

    def _leave_if_alone(self, silent_s: float) -> None:
        """Stop leading if JetStream has not answered for long: a node that it answers may lead by now, and clients of
        this node would not learn of it.
        """
        if self.role == "leader" and silent_s > max(ALONE_S, 2 * self.cluster.busy_after_ms / 1000):
            self.events.warning("no answer from JetStream", seconds=round(silent_s, 1), meaning="it leads no more")
            assert self._replicator is not None
            self._replicator.step_down()

    async def _begin_term(self, link: Link, following: Following) -> Stored | None:
        """Read the stream to its end, and append a term record. None if a different node was faster."""
        began = time.monotonic()
        self.role = "candidate"
        while True:
            ending = await link.stream.last()
            last = ending.stored
            if following.stream_sequence == (0 if last is None else last.sequence):
                break
            await asyncio.sleep(0.002)
        read_s = time.monotonic() - began
        record = self._term_record(following, last)
        try:
            sequence = await (await link.stream.append(record, ending.sequence))
        except JetStreamError as error:
            found = (await link.stream.last()).stored  # it may have been stored without an answer
            if found is None or found.page.digest != record.digest:
                self.events.info("not elected", term=record.term, why=str(error))
                return None
            sequence = found.sequence
        self.events.info(
            "elected", term=record.term, sequence=record.last, digest=f"{following.machine.digest():016x}",
            read_s=round(read_s, 3), elected_s=round(time.monotonic() - began, 3),
        )  # fmt: skip
        return Stored(sequence, record)

    def _term_record(self, following: Following, last: Stored | None) -> TermRecord:
        """The record that follows the last message of the stream, with the settings of this node."""
        machine = following.machine
        if machine.epoch == 0 or not self.cluster.required:  # else reports of commands that are lost may be known
            machine.begin_epoch(time.time_ns())
        following.journal.reconfigure()
        return TermRecord.make(
            1 if last is None else last.page.term + 1,
            following.sequence + 1,
            NO_DIGEST if last is None else last.page.digest,
            node=self.name,
            began_ns=time.time_ns(),
            epoch=machine.epoch,
            configuration=machine.configuration,
            addresses=self._addresses(),
            program=__version__,
        )

    def _addresses(self) -> dict[str, str]:
        settings = self.settings
        return {
            "node": self.name,
            "orders": text((str(settings.host), settings.port)),
            "recovery": text((str(settings.host), settings.recovery_port)),
        }

    def _lead(self, journal: Journal, record: Stored) -> int | None:
        """Run an exchange until a signal, or until a different node leads. Returns the exit code, or None for that."""
        began = time.monotonic()
        level = AcknowledgementLevel.REPLICATED if self.cluster.required else AcknowledgementLevel.MEMORY
        journal.open(level, term=record.page.term)
        self._replicator = replicator = Replicator(
            journal.log, record, self._connected, self.events, beside=self._beside_leading,
            order_cpus=self.settings.gateway_cpus, niceness=0 if self.cluster.required else NICENESS,
        )  # fmt: skip
        replicator.start()
        self.role = "leader"
        self._note_leader(self._addresses(), time.time_ns())
        self.events.info("leading", term=record.page.term, opened_s=round(time.monotonic() - began, 3))
        try:
            code = server.run(
                self.settings, self._make_page, self._show_places,
                journal=journal, log=self.events, collectors=self._collectors(),
            )  # fmt: skip
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):  # the exchange listens no more
                signal.signal(number, self._stop)
            replicator.close()
            self._retries += replicator.retries
            self.role, self.leader = "follower", {}
        return None if replicator.failure is not None and not self._ended else code

    async def _beside_leading(self, link: Link) -> None:
        """Renew the lease and answer requests, in the replicator's thread; give the lease back at the end."""
        link.lease.adopt(self._revision)
        await self._answer(link)
        try:
            await self._renew(link)
        finally:
            with suppress(JetStreamError):
                await link.lease.release()

    # ------------------------------------------------------------------ requests

    async def _answer(self, link: Link) -> None:
        """Answer requests for the status, and to step down."""
        await link.answer(subject_of(self.cluster.name, "status"), self._status)
        await link.answer(subject_of(self.cluster.name, f"step-down.{self.partition}.{self.name}"), self._step_down)

    async def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        """The status; of a follower with the digest of its books if the request says ``books``."""
        said, following = self.status(), self._following
        if request.get("books") and self.role == "follower" and following is not None:
            said["books"] = f"{following.machine.digest():016x}"
        return said

    def status(self) -> dict[str, Any]:
        """What this node is and how far it is."""
        leading, following, replicator = self.role == "leader", self._following, self._replicator
        said: dict[str, Any] = {
            "node": self.name, "partition": self.partition, "role": self.role, "program": __version__,
            "leader": self.leader.get("node"), "addresses": self._addresses(), "pid": os.getpid(),
            "leader_changes": self._changes, "all_retries": self._retries,
            "connected": self._link is not None and self._link.client.is_connected,
        }  # fmt: skip
        if leading and replicator is not None:
            said |= replicator.status()
            said["all_retries"] += replicator.retries
        elif following is not None:
            said |= {
                "term": following.term, "sequence": following.sequence, "stream_sequence": following.stream_sequence,
                "snapshot": following.newest, "behind": self._behind,
            }  # fmt: skip
        return said

    async def _step_down(self, _: dict[str, Any]) -> dict[str, Any]:
        """Stop leading, so that a different node does."""
        if self.role != "leader" or self._replicator is None:
            return {"done": False, "why": f"{self.name} does not lead partition {self.partition}"}
        self._aside_until_s = time.monotonic() + ASIDE_S
        self._replicator.step_down()
        return {"done": True}
