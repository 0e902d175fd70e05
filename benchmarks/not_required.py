"""Measure what a cluster costs that is not required: its leader acknowledges at level memory, and followers copy later.

Called by ``python -m benchmarks.cluster --not-required``.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

from pricetime.cluster.connection import connected
from pricetime.cluster.local import Event, LocalCluster, Place
from pricetime.cluster.local_file import Options
from pricetime.cluster.survey import Said, ask_nodes
from pricetime.load.run import total
from pricetime.load.run_file import Latency
from pricetime.load.server import resident_bytes

from .exchange import Day, Outcome

PARTITION = "main"

#: Settings of the exchange without and with a cluster. Clients do not send while the followers catch up.
SETTINGS = {"stats_interval_ms": 0, "timeout_ms": 600_000, "heartbeat_ms": 60_000}

#: Longest wait until the followers have everything, in seconds.
CATCH_UP_S = 300.0


class LedCluster:
    """A cluster on this machine that is not required, as ``Day`` sees a server: its leader.

    While orders are sent, NATS servers and followers run only when a processor has nothing else to do (SCHED_IDLE).
    """

    def __init__(self, folder: Path, nodes: int, settings: Mapping[str, object], notes: Notes) -> None:
        options = Options(nodes, open=True, cluster={"required": False}, settings=settings)
        self.cluster, self.notes = LocalCluster(folder, options), notes

    def __enter__(self) -> LedCluster:
        cluster = self.cluster.__enter__()
        try:
            self.term = cluster.wait_for_leader(PARTITION)
            self.leader = self.term.place
            self._schedule(os.SCHED_IDLE)
        except BaseException:
            cluster.__exit__(None, None, None)
            raise
        self.process = cluster.processes[self.leader]
        settings = cluster.config.exchange_of(*self.leader)
        self.host, self.port = str(settings.host), settings.port
        self.recovery = self.host, settings.recovery_port
        self.group, self.feed_port = str(settings.feed_group), settings.feed_port
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for place in [*self.cluster.processes]:
            self.cluster.kill(place)
        self.cluster.__exit__(kind, _, __)

    def _schedule(self, policy: int) -> None:
        """Schedule all other processes of the cluster like this."""
        others = [process.pid for place, process in self.cluster.processes.items() if place != self.leader]
        others += [self.cluster.servers.pid(server) for server in range(len(self.cluster.servers.ports))]
        for pid in others:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(0))

    def stop(self) -> Event:
        """Wait until all nodes have everything, compare their books, and stop the leader: its last event."""
        cluster, notes = self.cluster, self.notes
        said = cluster.status().get(self.leader, {})
        notes.behind.append(int(said.get("sequence", 0)) - int(said.get("replicated", 0)))
        self._schedule(os.SCHED_OTHER)
        began = time.monotonic()
        cluster.wait_equal(CATCH_UP_S)
        notes.catch_up_s.append(time.monotonic() - began)
        books = {each["books"] for each in asyncio.run(self._followers())}
        notes.same_leader.append(cluster.wait_for_leader(PARTITION) == self.term)
        code = cluster.terminate(self.leader)
        stopped = self.last("stopped")
        notes.equal.append(code == 0 and books <= {stopped["digest"]})
        return stopped

    async def _followers(self) -> list[Said]:
        config = self.cluster.config
        async with connected(config.servers) as client:
            said = await ask_nodes(client, config, answer_s=10, books=True)
        return [each for each in said if Place(each["node"], each["partition"]) != self.leader]

    def last(self, name: str) -> Event:
        return next((event for event in reversed(self.cluster.history(self.leader)) if event["event"] == name), {})

    def resident_bytes(self) -> int:
        return resident_bytes(self.process.pid)


@dataclass
class Notes:
    """What was seen of the cluster beside the load, run by run."""

    behind: list[int] = field(default_factory=list)  #: commands that the stream did not have at the end of the load
    catch_up_s: list[float] = field(default_factory=list)  #: from the end of the load until all nodes had everything
    equal: list[bool] = field(default_factory=list)  #: whether the followers' books equal the leader's
    same_leader: list[bool] = field(default_factory=list)  #: whether one node led all the time


@dataclass(frozen=True)
class Comparison:
    """Alternating runs without and with a cluster."""

    rate: float
    seconds: float
    sessions: int
    nodes: int
    server_cpu: int | None
    load_cpu: int | None
    folder: Path | None

    def measure(self, rounds: int) -> bool:
        """Measure and print. Returns whether all books were equal, and no node lost the lead."""
        notes = Notes()
        runs: tuple[list[Outcome], list[Outcome]] = [], []
        for number in range(rounds):
            for kind in (0, 1) if number % 2 == 0 else (1, 0):  # each is first as often as the other
                outcome = self._with_cluster(notes) if kind else self._without()
                runs[kind].append(outcome)
                print(
                    f"  round {number + 1}, {'with a cluster' if kind else 'without':<16}{shown(outcome)}", flush=True
                )
        words = {
            "with a cluster / without": "median, minimum and maximum",
            "answered a second": ratio(runs, lambda outcome: outcome.result.answered_per_s),
            "processor, event loop": ratio(runs, lambda outcome: outcome.busy_ns["event loop"]),
            "processor, other threads": ratio(runs, lambda outcome: outcome.busy_ns["other threads"]),
            "commands behind at the end": ", ".join(f"{count:,}" for count in notes.behind),
            "all nodes equal after, s": ", ".join(f"{seconds:.1f}" for seconds in notes.catch_up_s),
            "followers' books": "equal to the leader's" if all(notes.equal) else f"DIFFERENT: {notes.equal}",
            "leader": "the same" if all(notes.same_leader) else f"CHANGED: {notes.same_leader}",
        }
        for name, value in words.items():
            print(f"  {name:<28}{value}")
        whole = all(one.agrees and not one.gaps for kind in runs for one in kind)
        return whole and all(notes.equal) and all(notes.same_leader)

    def _day(self, **more: object) -> Day:
        given = {"rate": self.rate, "seconds": self.seconds, "sessions": self.sessions, "preset": "balanced"}
        return Day(**given, server_cpu=self.server_cpu, load_cpu=self.load_cpu, **more)  # type: ignore[arg-type]

    def _without(self) -> Outcome:
        options = [f"--{name.replace('_', '-')}={value}" for name, value in SETTINGS.items()]
        with tempfile.TemporaryDirectory(prefix="pricetime-", dir=self.folder) as made:
            return self._day(options=(*options, "--journal", made, "--acknowledge", "memory")).measure()

    def _with_cluster(self, notes: Notes) -> Outcome:
        settings: dict[str, object] = {**SETTINGS}
        if self.server_cpu is not None:
            settings["gateway_cpus"] = str(self.server_cpu)
        with tempfile.TemporaryDirectory(prefix="pricetime-", dir=self.folder) as made:
            led = partial(LedCluster, Path(made), self.nodes, settings, notes)
            return self._day(options=(), server=lambda *_: led()).measure()


def ratio(runs: tuple[list[Outcome], list[Outcome]], figure: Callable[[Outcome], float]) -> str:
    """A figure with a cluster divided by that without, in the same round."""
    ratios = [figure(led) / figure(without) for without, led in zip(*runs, strict=True)]
    return f"{statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}"


def shown(outcome: Outcome) -> str:
    """One line of a run."""
    trade, busy = outcome.tick_to_trade_ns, outcome.busy_ns
    parts = [
        f"{outcome.result.answered_per_s / 1e6:.3f} M/s",
        f"round trip {Latency.of(total(outcome.result.latencies))}",
        f"tick to trade p50 {trade['p50'] / 1e3:.1f} us, p99 {trade['p99'] / 1e3:.1f} us",
        f"memory {outcome.memory_bytes / 1e6:.0f} MB, {outcome.grown_bytes / 1e6:+.1f} MB",
        *(f"{who} {busy[who] / outcome.orders:.0f} ns an order" for who in ("event loop", "other threads")),
    ]
    if not outcome.agrees or outcome.gaps:
        parts.append("BOOKS DIFFERENT OR GAPS")
    return "; ".join(parts)
