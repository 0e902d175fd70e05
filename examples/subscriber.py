"""Follow the feed of an exchange: rebuild its books, detect gaps and request missing reports.

pricetime serve --open
python examples/subscriber.py
"""

from __future__ import annotations

import argparse
import time

from pricetime.client import EventKind, FeedEvent, FeedState, Subscriber

LEVELS = 5


def print_event(event: FeedEvent) -> None:
    if event.kind is EventKind.GAP:
        print(f"-- {event.reports} reports are missing from {event.seq_num} on")
    elif event.kind is EventKind.WHOLE:
        print(f"-- complete at report {event.seq_num}")
    elif event.kind is EventKind.SNAPSHOT:
        print(f"-- snapshot: all books at report {event.seq_num}")
    elif event.kind is EventKind.EPOCH:
        print("-- the feed restarted with a new epoch")
    elif event.kind is EventKind.DIVERGED:
        print(f"-- the books at report {event.seq_num} differ from the exchange: they will be replaced")
    elif event.kind is EventKind.SILENT:
        print("-- no heartbeat: check whether the server runs, and the group")
    elif event.kind is EventKind.HEARD:
        print("-- heartbeats received")


def show(feed: Subscriber) -> None:
    if feed.state is FeedState.WAITING:
        print(f"-- no books yet {feed.recovery_failure}")
        return
    if feed.state is not FeedState.WHOLE:
        print(f"-- {feed.state.name.lower()}: these books may be outdated {feed.recovery_failure}")
    for number, instrument in feed.instruments.items():
        bids, asks = feed.book(number).depth(LEVELS)
        print(f"\n{instrument.symbol or number} at report {feed.seq_num}, {instrument.phase.name.lower()}")
        for level in asks[::-1]:
            print(f"{'':>12} {level['price']:>10} {level['quantity']:>8}")
        for level in bids:
            print(f"{level['quantity']:>12} {level['price']:>10}")


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--feed-group", default="239.255.77.1")
parser.add_argument("--feed-port", type=int, default=7003)
parser.add_argument("--feed-interface", default="127.0.0.1")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--recovery-port", type=int, default=7002)
parser.add_argument("--seconds", type=float, default=float("inf"), help="how long to follow; default: until Ctrl-C")
given = parser.parse_args()

with Subscriber(
    given.feed_group,
    given.feed_port,
    interface=given.feed_interface,
    recovery=(given.host, given.recovery_port),
    on_event=print_event,
) as feed:
    until, shown = time.monotonic() + given.seconds, 0.0
    try:
        while (now := time.monotonic()) < until:
            feed.poll(0.1)
            if now - shown > 0.5:
                show(feed)
                shown = now
    except KeyboardInterrupt:
        pass
    show(feed)
    counts = feed.statistics
    print(f"\n{counts.reports:,} reports in {counts.datagrams:,} datagrams, {counts.snapshots} snapshots")
    print(f"{counts.gaps} gaps, {counts.filled} retransmitted, {counts.duplicates} duplicates, {counts.reordered} late")
