"""Measure failovers of a cluster on this machine: from the last answer of a killed leader to the first of the next.

    python -m benchmarks.failover --kills 20

Three NATS servers that sync every message, three nodes and a client are processes of this machine. The client sends
orders one after the other, and the leader is killed with SIGKILL. *Lease*: from the kill until a node has the lease.
*Election*: until the stream has its term record, with the replay of what it had not read. *Opening*: until its ports
are open. *Client*: until the client has logged in there and has an answer.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
import threading
import time
from pathlib import Path

import click
import numpy as np

from pricetime.client.client import Client
from pricetime.client.errors import ConnectionLost
from pricetime.cluster.local import Event, Place, time_of
from pricetime.types import Side

from .local_cluster import LocalCluster
from .report import show_machine

#: Answers of a leader before it is killed, and pause between two orders in seconds.
ANSWERS, PAUSE_S = 50, 0.005

#: The parts of a failover.
PARTS = ("lease", "election", "opening", "client", "all")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--kills", default=20, show_default=True, type=click.IntRange(1))
def main(kills: int) -> None:
    """Kill leaders and print the parts of each failover, in seconds."""
    show_machine()
    with tempfile.TemporaryDirectory(prefix="pricetime-") as folder, LocalCluster(Path(folder)) as cluster:
        found = [measure(cluster, number) for number in range(kills)]
    print(f"  {'failover, s':<12}" + "".join(f"{part:>10}" for part in PARTS))
    for percentile in (50, 95, 100):
        name = "max" if percentile == 100 else f"p{percentile}"
        row = np.percentile(np.array(found), percentile, axis=0)
        print(f"  {name:<12}" + "".join(f"{value:>10.3f}" for value in row))
    print(f"  {kills} kills")


def measure(cluster: LocalCluster, number: int) -> list[float]:
    """Kill the leader: the seconds of each part."""
    leader, term = cluster.leader(), cluster.term
    with Client(cluster.addresses, owner=number + 1, patience=120) as client:
        answered: list[float] = []
        enough, ended = threading.Event(), threading.Event()

        def trade() -> None:
            for number in itertools.count(1):
                if ended.is_set():
                    return
                try:
                    client.add_order(number, Side.BID, 100 + number % 5, 1).result(120)
                except ConnectionLost:
                    client.wait_until_active(120)
                    continue
                answered.append(time.time())
                if len(answered) == ANSWERS:
                    enough.set()
                time.sleep(PAUSE_S)

        trader = threading.Thread(target=trade)
        trader.start()
        try:
            enough.wait()
            cluster.kill(leader)
            killed = time.time()
            node = cluster.wait_leader(term)
            while answered[-1] < killed:
                time.sleep(PAUSE_S)
        finally:
            ended.set()
            trader.join()
    cluster.start(leader)
    cluster.wait_equal()
    last = max(one for one in answered if one <= killed)
    first = min(one for one in answered if one > killed)
    elected, serving = event_of(cluster, node, "elected"), event_of(cluster, node, "serving")
    elected_s, serving_s = time_of(elected), time_of(serving)
    asked_s = elected_s - elected["elected_s"]
    return [asked_s - last, elected["elected_s"], serving_s - elected_s, first - serving_s, first - last]


def event_of(cluster: LocalCluster, place: Place, name: str) -> Event:
    """The newest event of a kind that a node has logged."""
    return next(event for event in reversed(cluster.history(place)) if event["event"] == name)


if __name__ == "__main__":
    sys.exit(main())
