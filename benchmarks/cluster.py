"""Measure a cluster on this machine: orders in over TCP, answered when a majority of the NATS servers has them.

    python -m benchmarks.cluster --rate 200000 --seconds 5
    python -m benchmarks.cluster --rate 0 --seconds 2      # unlimited rate
    python -m benchmarks.cluster --rate 200 --sessions 1   # one client at a low rate

Three NATS servers that sync every message, a leader, its followers and the load generator share the processors of this
machine. *Processor time* is that of each process while the orders are sent.

    python -m benchmarks.cluster --not-required --rate 1000000 --server-cpu 0 --load-cpu 1
    python -m benchmarks.cluster --not-required --rate 0 --server-cpu 0 --load-cpu 1

compares an exchange without a cluster with the leader of a cluster that is not required, at level ``memory``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from .local_cluster import LocalCluster
from .not_required import Comparison
from .report import load_cpu_option, rounds_option, server_cpu_option, show_machine

#: Settings of the exchange for many orders.
LARGE = {"order_capacity": 1 << 20, "segment_bytes": 64 << 20, "max_open_orders": 1 << 18, "timeout_ms": 10_000}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=200_000.0, show_default=True, help="Orders a second; 0 for an unlimited rate.")
@click.option("--seconds", default=5.0, show_default=True, help="Duration.")
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(1, 3), help="The leader and its followers.")
@click.option(
    "--folder", default=None, type=click.Path(path_type=Path, file_okay=False), help="On the disk to measure."
)
@click.option(
    "--not-required",
    is_flag=True,
    help="Compare an exchange without a cluster with the leader of one whose file says required = false, in "
    "alternating runs. NATS servers and followers have the lowest priority (SCHED_IDLE) while orders are sent.",
)
@rounds_option(5)
@server_cpu_option
@load_cpu_option
def main(
    rate: float, seconds: float, sessions: int, nodes: int, folder: Path | None,
    *, not_required: bool, rounds: int, server_cpu: int | None, load_cpu: int | None,
) -> None:  # fmt: skip
    """Send orders to a cluster and print the results. The last three options need --not-required."""
    show_machine()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    if not_required:
        compared = Comparison(rate, seconds, sessions, nodes, server_cpu, load_cpu, folder)
        sys.exit(not compared.measure(rounds))
    with (
        tempfile.TemporaryDirectory(prefix="pricetime-", dir=folder) as made,
        LocalCluster(Path(made), nodes=nodes, settings=LARGE) as cluster,
    ):
        leader = cluster.leader()
        host, _, port = cluster.address(leader).rpartition(":")
        who = {
            f"node {place.node}" + (", leads" if place == leader else ""): one.pid
            for place, one in cluster.processes.items()
        }
        who |= {f"NATS server {server + 1}": cluster.servers.pid(server) for server in range(3)}
        before = {name: busy_s(pid) for name, pid in who.items()}
        began = time.monotonic()
        code = subprocess.run(
            [sys.executable, "-m", "pricetime", "load", "--rate", str(rate), "--seconds", str(seconds),
             "--sessions", str(sessions), "--host", host, "--port", port],
            check=False,
        ).returncode  # fmt: skip
        took = time.monotonic() - began
        said = cluster.status().get(leader, {})
        for name, pid in who.items():
            print(f"  processor, {name:<15}{(busy_s(pid) - before[name]) / took:>8.0%}")
        pages = max(1, int(said.get("pages", 0)))
        print(f"  pages                     {pages:,}, {int(said.get('sequence', 0)) / pages:,.0f} commands each")
        print(f"  outcomes unknown          {said.get('retries', 0)}")
        cluster.wait_equal()
    sys.exit(code)


def busy_s(pid: int) -> float:
    """The processor time of a process so far, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
