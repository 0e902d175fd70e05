"""One client for a cluster whose instruments are divided into partitions."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from pricetime.address import Address
from pricetime.client.client import Client
from pricetime.client.future import CommandFuture, OrderFuture
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import Reports
from pricetime.errors import InvalidSetting, UnknownInstrument
from pricetime.types import Side
from pricetime.wire.messages import ExecutionReport


class Partition(NamedTuple):
    """A set of instruments that one leader trades."""

    addresses: Sequence[str | Address]  #: order entry of each node of the partition
    instruments: Collection[int]  #: ids


class PartitionedClient:
    """Sends each command to the partition of its instrument, over a ``Client`` for each partition.

    ``partitions``: by name. ``owner``, ``secret``: the same in each. ``resume_from``: by partition, number of the first
    report wanted. The further settings are those of ``Client``. A session begins with the first command to its
    partition; that call waits for the login, and raises as the constructor of ``Client``. Each partition numbers
    its reports by itself, and there is no order between reports of two partitions. Raises InvalidSetting.
    """

    def __init__(
        self,
        partitions: Mapping[str, Partition],
        *,
        owner: int,
        secret: bytes = b"",
        resume_from: Mapping[str, int] | None = None,
        **settings: Any,
    ) -> None:
        self.partitions = dict(partitions)
        self._settings = settings | {"owner": owner, "secret": secret}
        self._resume_from = dict(resume_from or {})
        self._lock = threading.Lock()  # around the start of a session
        self._clients: dict[str, Client] = {}
        self._names: dict[int, str] = {}
        for name, partition in self.partitions.items():
            for instrument in partition.instruments:
                if self._names.setdefault(instrument, name) != name:
                    raise InvalidSetting(
                        f"partitions: instrument {instrument} is in {self._names[instrument]} and {name}: give one"
                    )
        if unknown := self._resume_from.keys() - self.partitions.keys():
            raise InvalidSetting(f"resume_from: there is no partition {', '.join(sorted(unknown))}")

    # ------------------------------------------------------------------ sessions

    def client(self, instrument: int) -> Client:
        """Return the client of the partition that trades an instrument; logs in if it is new. Raises UnknownInstrument,
        and as the constructor of ``Client``.
        """
        if instrument not in self._names:
            raise UnknownInstrument(f"instrument {instrument} is in no partition: give one of {sorted(self._names)}")
        return self._client_of(self._names[instrument])

    def _client_of(self, name: str) -> Client:
        with self._lock:
            if name not in self._clients:
                addresses = self.partitions[name].addresses
                self._clients[name] = Client(addresses, resume_from=self._resume_from.get(name), **self._settings)
            return self._clients[name]

    @property
    def clients(self) -> dict[str, Client]:
        """The clients whose sessions have begun, by partition."""
        return dict(self._clients)

    def close(self) -> None:
        """Log out of every partition."""
        for client in self.clients.values():
            client.close()

    def __enter__(self) -> PartitionedClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # ------------------------------------------------------------------ commands

    def add_order(
        self, order_id: int, side: Side | int, price: int | None, quantity: int, *, instrument: int, **terms: Any
    ) -> OrderFuture:
        """Send an order: see ``Client.add_order``."""
        return self.client(instrument).add_order(order_id, side, price, quantity, instrument=instrument, **terms)

    def cancel_order(self, order_id: int, *, instrument: int) -> CommandFuture[ExecutionReport]:
        """Cancel an order: see ``Client.cancel_order``."""
        return self.client(instrument).cancel_order(order_id, instrument=instrument)

    def reduce_order(self, order_id: int, by: int, *, instrument: int) -> CommandFuture[ExecutionReport]:
        """Take ``by`` lots off an order: see ``Client.reduce_order``."""
        return self.client(instrument).reduce_order(order_id, by, instrument=instrument)

    def replace_order(
        self, order_id: int, price: int | None, quantity: int, *, instrument: int, **terms: Any
    ) -> OrderFuture:
        """Give an order a new price and a new open quantity: see ``Client.replace_order``."""
        return self.client(instrument).replace_order(order_id, price, quantity, instrument=instrument, **terms)

    def mass_cancel(
        self, *, side: Side | int | None = None, instrument: int | None = None
    ) -> dict[str, CommandFuture[ExecutionReport]]:
        """Cancel the owner's orders: of one instrument, or in every partition, where it logs in first.

        Returns the future of each partition that was asked, by name.
        """
        if instrument is not None:
            client = self.client(instrument)
            return {self._names[instrument]: client.mass_cancel(side=side, instrument=instrument)}
        clients = {name: self._client_of(name) for name in self.partitions}
        return {name: client.mass_cancel(side=side) for name, client in clients.items()}

    # ------------------------------------------------------------------ what came

    def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """Return the owner's resting orders, one partition after the other: see ``Client.open_orders``.

        Logs in where it has not yet. Each partition lists one moment, not all the same one.
        """
        return [order for name in self.partitions for order in self._client_of(name).open_orders(timeout)]

    def read(self) -> dict[str, Reports]:
        """Return the reports that have come since the last call, by partition, as arrays of ``pricetime.REPORT``.

        Does not wait; ``client(instrument).read(timeout)`` waits for those of one partition.
        """
        found = {name: client.read() for name, client in self.clients.items()}
        return {name: reports for name, reports in found.items() if len(reports)}

    @property
    def next_sequences(self) -> dict[str, int]:
        """Numbers of the next reports by partition: the ``resume_from`` with which a later client continues here."""
        return self._resume_from | {name: client.next_sequence for name, client in self.clients.items()}
