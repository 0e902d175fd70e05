"""One client for a cluster whose instruments are divided into partitions."""

from __future__ import annotations

import threading

from pricetime.client.client import Client
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import Reports, run
from pricetime.client.partitioned_order_entry import PartitionedOrderEntry


class PartitionedClient(PartitionedOrderEntry[Client]):
    """Sends each command to the partition of its instrument, over a ``Client`` for each partition.

    A session begins with the first command to its partition; that call waits for the login, and raises as the
    constructor of ``Client``.

        with PartitionedClient({"metals": Partition(["a:7001", "b:7001"], [1, 2])}, owner=7) as client:
            print(client.add_order(1, BID, 100, 5, instrument=2).result())

    The arguments are those of ``PartitionedOrderEntry``. Raises InvalidSetting.
    """

    _client_type = Client

    def _begin(self) -> None:
        self._locks = {name: threading.Lock() for name in self.partitions}  # around the start of each session

    def _client_of(self, name: str) -> Client:
        with self._locks[name]:
            if name not in self._clients:
                self._clients[name] = self._new_client(name)
                if self._is_closed:  # meanwhile
                    self._clients[name].close()
            return self._clients[name]

    def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """Return the owner's resting orders, one partition after the other: see ``Client.open_orders``.

        Logs in where it has not yet. Each partition lists one moment, not all the same one.
        """
        return run(self._list_open_orders([self._client_of(name) for name in self.partitions], timeout))

    def read(self) -> dict[str, Reports]:
        """Return the reports that have come since the last call, by partition, as arrays of ``pricetime.REPORT``.

        Does not wait; ``client(instrument).read(timeout)`` waits for those of one partition. If no partition has
        reports, raises what ended a session, as ``Client.read``.
        """
        return run(self._take_all())

    def close(self) -> None:
        """Log out of every partition. Reports that came can still be taken."""
        self._is_closed = True
        for client in self.clients.values():
            client.close()

    def __enter__(self) -> PartitionedClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
