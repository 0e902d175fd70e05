"""Decides which connection a server closes when it is full and a new one arrives.

A server has a maximum number of connections, and a smaller maximum for one address. If the address has reached its
maximum, the new connection replaces the idlest connection of that address. If the server is full, it replaces the
idlest connection of the address with the most connections. A flood therefore replaces its own connections: a client at
a different address keeps its connection, and a client at the same address can connect and stays connected while it is
active.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

C = TypeVar("C", bound=Hashable)


class Places(Generic[C]):
    """The connections of a server by address, the idlest first.

    ``most``: maximum number of connections; ``per_address``: maximum from one address.
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
        """The connections in order of arrival."""
        return iter(self._address_of)

    def displaced_by(self, address: str) -> C | None:
        """The connection to close before one from ``address`` can enter; None if there is room. O(addresses)."""
        if len(self._by_address.get(address, ())) >= self.per_address:
            return next(iter(self._by_address[address]))
        return self.idlest() if len(self) >= self.most else None

    def idlest(self) -> C | None:
        """The idlest connection of the address with the most connections; None without connections. O(addresses)."""
        crowd = max(self._by_address.values(), key=len, default=None)
        return None if crowd is None else next(iter(crowd))

    def enter(self, connection: C, address: str) -> None:
        """Add a connection. The caller has made room for it."""
        self._address_of[connection] = address
        self._by_address.setdefault(address, {})[connection] = None

    def touch(self, connection: C) -> None:
        """Note that a connection was active, which makes it the least idle of its address. Ignores an unknown one."""
        address = self._address_of.get(connection)
        if address is not None:
            crowd = self._by_address[address]
            del crowd[connection]
            crowd[connection] = None

    def leave(self, connection: C) -> None:
        """Remove a connection. Ignores an unknown one."""
        address = self._address_of.pop(connection, None)
        if address is not None:
            crowd = self._by_address[address]
            del crowd[connection]
            if not crowd:
                del self._by_address[address]
