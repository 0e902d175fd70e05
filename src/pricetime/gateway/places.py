"""Which connection makes room for a newcomer: what all servers of the control side have in common.

A server has room for a number of connections, and for a smaller number from one address. If there is no room, the
newcomer takes the place of the idlest connection of its own address or, if the server is full, of the address with the
most connections. So a flood displaces its own connections. A client from another address keeps its place, and a client
from the same address gets in and keeps its place for as long as it does something.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class Places(Generic[C]):
    """The connections of a server, by address; of each address the idlest first.

    ``most``: connections at a time; ``per_address``: of these, from one address.
    """

    def __init__(self, most: int, per_address: int | None = None) -> None:
        self.most = most
        self.per_address = most if per_address is None else min(per_address, most)
        self._address_of: dict[C, str] = {}
        self._by_address: dict[str, dict[C, None]] = {}

    def __len__(self) -> int:
        return len(self._address_of)

    def __contains__(self, connection: C) -> bool:
        return connection in self._address_of

    def __iter__(self) -> Iterator[C]:
        """The connections in the order in which they came."""
        return iter(self._address_of)

    def displaced_by(self, address: str) -> C | None:
        """The connection that must go before one from ``address`` can enter; None if there is room. O(addresses)."""
        if len(self._by_address.get(address, ())) >= self.per_address:
            return next(iter(self._by_address[address]))
        return self.idlest() if len(self) >= self.most else None

    def idlest(self) -> C | None:
        """The idlest connection of the address with the most; None if there is none. O(addresses)."""
        crowd = max(self._by_address.values(), key=len, default=None)
        return None if crowd is None else next(iter(crowd))

    def enter(self, connection: C, address: str) -> None:
        """A connection has a place. The caller has made room for it before."""
        self._address_of[connection] = address
        self._by_address.setdefault(address, {})[connection] = None

    def touch(self, connection: C) -> None:
        """A connection has done something: the others of its address are idler. One without a place stays without."""
        address = self._address_of.get(connection)
        if address is not None:
            crowd = self._by_address[address]
            del crowd[connection]
            crowd[connection] = None

    def leave(self, connection: C) -> None:
        """A connection gives its place up; without one nothing happens."""
        address = self._address_of.pop(connection, None)
        if address is not None:
            crowd = self._by_address[address]
            del crowd[connection]
            if not crowd:
                del self._by_address[address]
