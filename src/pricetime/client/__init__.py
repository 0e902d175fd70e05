"""Clients that send orders to an exchange, and subscribers that rebuild its books from the feed."""

from __future__ import annotations

from ..core.builder import BookBuilder
from ..core.snapshot import Snapshot
from .async_client import AsyncClient
from .async_partitioned import AsyncPartitionedClient
from .client import Client
from .feed_state import EventKind, FeedEvent, FeedState, FeedStatistics
from .instruments import fetch_instruments
from .order_result import OrderResult, OrderStatus
from .partitioned import PartitionedClient
from .partitioned_order_entry import Partition
from .sequencer import Sequencer
from .subscriber import Subscriber

__all__ = [
    "AsyncClient",
    "AsyncPartitionedClient",
    "BookBuilder",
    "Client",
    "EventKind",
    "FeedEvent",
    "FeedState",
    "FeedStatistics",
    "OrderResult",
    "OrderStatus",
    "Partition",
    "PartitionedClient",
    "Sequencer",
    "Snapshot",
    "Subscriber",
    "fetch_instruments",
]
