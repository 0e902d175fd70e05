"""Exchanges on free ports that stand for the partitions of a cluster."""

import contextlib
from collections.abc import Iterator

from pricetime import Instrument
from pricetime.client.partitioned_order_entry import Partition
from tests.client.order_entry import OrderEntry

INSTRUMENTS = {"a": (1, 2), "b": (3,), "c": (4,)}


@contextlib.contextmanager
def three_entries() -> Iterator[dict[str, OrderEntry]]:
    """One exchange for each partition, where owner 7 has the secret ``seven``."""
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(OrderEntry([Instrument(one) for one in ids], secrets={7: b"seven"}))
            for name, ids in INSTRUMENTS.items()
        }


def partitions(entries: dict[str, OrderEntry]) -> dict[str, Partition]:
    return {name: Partition([entry.address], INSTRUMENTS[name]) for name, entry in entries.items()}
