"""One client for a cluster whose instruments are divided into partitions, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from pricetime.client.async_client import AsyncClient
from pricetime.client.errors import ConnectionLost
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import Reports
from pricetime.client.partitioned_order_entry import PartitionedOrderEntry
from pricetime.errors import InvalidSetting


class AsyncPartitionedClient(PartitionedOrderEntry[AsyncClient]):
    """Sends each command to the partition of its instrument, over an ``AsyncClient`` for each partition.

    ``async with`` logs in to every partition and out; so do ``login`` and ``close``. ``login`` with names logs in to
    those partitions only. A command returns at once with a future: await it for the answer, or ignore it. A command to
    a partition without a session raises ConnectionLost.

        async with AsyncPartitionedClient({"metals": Partition(["a:7001", "b:7001"], [1, 2])}, owner=7) as client:
            print(await client.add_order(1, BID, 100, 5, instrument=2))

    An ``AsyncPartitionedClient`` belongs to one event loop. The arguments are those of ``PartitionedOrderEntry``.
    Raises InvalidSetting.
    """

    _client_type = AsyncClient

    def _begin(self) -> None:
        self._locks = {name: asyncio.Lock() for name in self.partitions}  # around the start of each session
        self._starting: set[AsyncClient] = set()

    # ------------------------------------------------------------------ login and logout

    async def login(self, *partitions: str) -> None:
        """Log in to partitions, by name; to all without a name. Where a session has begun, wait until it is active.

        The logins run at the same time, and the call waits for each. If some fail, it raises the error of the first, as
        ``AsyncClient.login``; the other partitions can be used, and a second call tries again. Raises InvalidSetting
        for an unknown partition, SessionEnded after ``close``.
        """
        if unknown := set(partitions) - self.partitions.keys():
            raise InvalidSetting(
                f"there is no partition {', '.join(sorted(unknown))}: give some of {', '.join(self.partitions)}"
            )
        for client in await self._sessions(partitions or self.partitions):
            await client.wait_until_active()

    async def _sessions(self, names: Iterable[str]) -> list[AsyncClient]:
        """Return the clients of partitions; log in to those that are new, and wait for every login."""
        ends = await asyncio.gather(*map(self._session, names), return_exceptions=True)
        clients = []
        for end in ends:
            if isinstance(end, BaseException):
                raise end
            clients.append(end)
        return clients

    async def _session(self, name: str) -> AsyncClient:
        async with self._locks[name]:
            if name not in self._clients:
                client = self._new_client(name)
                self._starting.add(client)
                try:
                    await client.login()
                finally:
                    self._starting.remove(client)
                self._clients[name] = client
            return self._clients[name]

    def _client_of(self, name: str) -> AsyncClient:
        if name not in self._clients:
            raise ConnectionLost(f"the client is not logged in to partition {name}: call login() first")
        return self._clients[name]

    async def close(self) -> None:
        """Log out of every partition. Reports that came can still be taken."""
        self._is_closed = True
        await asyncio.gather(*(client.close() for client in [*self._clients.values(), *self._starting]))

    async def __aenter__(self) -> AsyncPartitionedClient:
        try:
            await self.login()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    # ------------------------------------------------------------------ what came

    async def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """Return the owner's resting orders, one partition after the other: see ``Client.open_orders``.

        Logs in where it has not yet. Each partition lists one moment, not all the same one.
        """
        return await self._list_open_orders(await self._sessions(self.partitions), timeout)

    async def read(self) -> dict[str, Reports]:
        """Return the reports that have come since the last call, by partition, as arrays of ``pricetime.REPORT``.

        Does not wait for any; ``await client(instrument).read(timeout)`` waits for those of one partition, and ``async
        for report in client(instrument).reports()`` iterates over them. If no partition has reports, raises what ended
        a session, as ``Client.read``.
        """
        await asyncio.sleep(0)  # the sessions go on, however often this is called
        return await self._take_all()
