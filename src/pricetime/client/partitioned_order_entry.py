"""What both clients of partitions share: which partition trades an instrument, commands, reports, open orders.

As in ``order_entry``, what waits is a coroutine: ``AsyncPartitionedClient`` awaits it, ``PartitionedClient`` runs it
with ``run``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from pricetime.address import Address
from pricetime.client.errors import ConnectionLost, LoginRefused, NotAcknowledged, SessionEnded
from pricetime.client.future import CommandFuture, OrderFuture, failed
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import OrderEntry, Reports
from pricetime.errors import InvalidSetting, PricetimeError, UnknownInstrument
from pricetime.types import Side
from pricetime.wire.messages import ExecutionReport
from pricetime.wire.types import SessionReason

C = TypeVar("C", bound=OrderEntry)

#: Why a command cannot be sent to a partition.
UNSENT = (ConnectionLost, LoginRefused, NotAcknowledged, SessionEnded)


class Partition(NamedTuple):
    """A set of instruments that one leader trades."""

    addresses: Sequence[str | Address]  #: order entry of each node of the partition
    instruments: Collection[int]  #: ids


class PartitionedOrderEntry(Generic[C]):
    """A session with each partition of a cluster, as one owner: the base of ``PartitionedClient`` and
    ``AsyncPartitionedClient``, which log in and wait.

    ``partitions``: by name. ``owner``, ``secret``: the same in each. ``resume_from``: by partition, number of the first
    report wanted. The further settings are those of ``OrderEntry``. Each partition numbers its reports by itself, and
    there is no order between reports of two partitions. Raises InvalidSetting.
    """

    _client_type: type[C]

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
        self._clients: dict[str, C] = {}
        self._is_closed = False
        self._names: dict[int, str] = {}
        for name, partition in self.partitions.items():
            for instrument in partition.instruments:
                if self._names.setdefault(instrument, name) != name:
                    raise InvalidSetting(
                        f"partitions: instrument {instrument} is in {self._names[instrument]} and {name}: give one"
                    )
        if unknown := self._resume_from.keys() - self.partitions.keys():
            raise InvalidSetting(f"resume_from: there is no partition {', '.join(sorted(unknown))}")
        self._begin()

    def _begin(self) -> None:
        """The settings are there: set up what the client itself needs."""
        raise NotImplementedError

    def _client_of(self, name: str) -> C:
        """Return the client of a partition. Raises what keeps it from being used."""
        raise NotImplementedError

    # ------------------------------------------------------------------ sessions

    def _new_client(self, name: str) -> C:
        """Make the client of a partition. Raises SessionEnded if this client was closed."""
        if self._is_closed:
            raise SessionEnded("the client has logged out: make a new client", SessionReason.CLIENT_LOGOUT)
        addresses = self.partitions[name].addresses
        return self._client_type(addresses, resume_from=self._resume_from.get(name), **self._settings)

    def _partition_of(self, instrument: int) -> str:
        if instrument not in self._names:
            raise UnknownInstrument(f"instrument {instrument} is in no partition: give one of {sorted(self._names)}")
        return self._names[instrument]

    def client(self, instrument: int) -> C:
        """Return the client of the partition that trades an instrument. Raises UnknownInstrument.

        ``PartitionedClient`` logs in to a new partition, and raises as the constructor of ``Client``.
        ``AsyncPartitionedClient`` raises ConnectionLost if it has not logged in to the partition.
        """
        return self._client_of(self._partition_of(instrument))

    @property
    def clients(self) -> dict[str, C]:
        """The clients whose sessions have begun, by partition."""
        return {name: self._clients[name] for name in self.partitions if name in self._clients}

    # ------------------------------------------------------------------ commands

    def add_order(
        self, order_id: int, side: Side | int, price: int | None, quantity: int, *, instrument: int, **terms: Any
    ) -> OrderFuture:
        """Send an order to the partition of its instrument. Raises as ``client``, and as ``CommandCalls.add_order``,
        which has the arguments. So do the calls below.
        """
        return self.client(instrument).add_order(order_id, side, price, quantity, instrument=instrument, **terms)

    def cancel_order(self, order_id: int, *, instrument: int) -> CommandFuture[ExecutionReport]:
        """Cancel an order: see ``CommandCalls.cancel_order``."""
        return self.client(instrument).cancel_order(order_id, instrument=instrument)

    def reduce_order(self, order_id: int, by: int, *, instrument: int) -> CommandFuture[ExecutionReport]:
        """Take ``by`` lots off an order: see ``CommandCalls.reduce_order``."""
        return self.client(instrument).reduce_order(order_id, by, instrument=instrument)

    def replace_order(
        self, order_id: int, price: int | None, quantity: int, *, instrument: int, **terms: Any
    ) -> OrderFuture:
        """Give an order a new price and a new open quantity: see ``CommandCalls.replace_order``."""
        return self.client(instrument).replace_order(order_id, price, quantity, instrument=instrument, **terms)

    def mass_cancel(
        self, *, side: Side | int | None = None, instrument: int | None = None
    ) -> dict[str, CommandFuture[ExecutionReport]]:
        """Cancel the owner's orders: of one instrument, or in every partition.

        Returns the future of each partition that was asked, by name; its answer is the MASS_CANCELLED report, whose
        quantity is the number of cancelled orders. Without ``instrument``, a partition that cannot be asked does not
        keep the others from cancelling: its future raises ConnectionLost, SessionEnded, LoginRefused or
        NotAcknowledged. With it, the call does.
        """
        if instrument is not None:
            client = self.client(instrument)
            return {self._partition_of(instrument): client.mass_cancel(side=side, instrument=instrument)}
        first = sorted(self.partitions, key=lambda name: name not in self._clients)  # where a login need not be awaited
        asked = {name: self._mass_cancel_in(name, side) for name in first}
        return {name: asked[name] for name in self.partitions}

    def _mass_cancel_in(self, name: str, side: Side | int | None) -> CommandFuture[ExecutionReport]:
        try:
            return self._client_of(name).mass_cancel(side=side)
        except UNSENT as error:
            return failed(error)

    # ------------------------------------------------------------------ what came

    async def _list_open_orders(self, clients: Iterable[C], timeout: float | None) -> list[OpenOrder]:
        return [order for client in clients for order in await client._list_open_orders(timeout)]

    async def _take_all(self) -> dict[str, Reports]:
        """Take the reports of all partitions, without waiting: a cancellation between two would lose what was taken.
        For the same reason it raises what ended a session only if there are no reports.
        """
        found: dict[str, Reports] = {}
        ended: PricetimeError | None = None
        with_some = {name: client for name, client in self.clients.items() if client.untaken or client._has_ended}
        for name, client in with_some.items():
            try:
                reports = await client._take_all(0.0)
            except PricetimeError as error:
                ended = ended or error
                continue
            if len(reports):
                found[name] = reports
        if ended is not None and not found:
            raise ended
        return found

    @property
    def next_sequences(self) -> dict[str, int]:
        """Numbers of the next reports by partition: the ``resume_from`` with which a later client continues here."""
        return self._resume_from | {name: client.next_sequence for name, client in self.clients.items()}
