"""The addresses of an exchange: which one to try next, when, and for how long."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pricetime import address as addresses
from pricetime.address import Address
from pricetime.errors import InvalidSetting

#: Pauses before the attempts to reconnect, in seconds: the first, which doubles, and the longest.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 2.0

#: The longest pause if there are several addresses: a failover takes seconds.
LONGEST_OF_SEVERAL_S = 0.25

#: Seconds for which a client with several addresses tries to log in, unless its caller gives a different number.
PATIENCE_S = 30.0

#: Nodes that are followed without a pause, each named by the one before.
MOST_REDIRECTS = 3


class Route:
    """``known``: the addresses. ``retries``: attempts before the client gives up. ``patience``: seconds instead of
    attempts; None for ``retries`` with one address and 30 s with several.
    """

    def __init__(self, known: Sequence[Address], retries: int, patience: float | None) -> None:
        self.known = list(known)
        self.several = len(self.known) > 1
        self.patience = PATIENCE_S if patience is None and self.several else patience
        self.current = self.known[0]  #: the address of the last attempt
        self._retries = retries
        self._place = 0  # of the next address to try
        self._redirect: Address | None = None  # to try next
        self._redirects = 0  # that were followed without a pause, since the last login or pause
        self._attempts = 0  # since the last login
        self._lost_at: float | None = None  # time of the first attempt since the last login

    def redirect(self, leader: Address | None) -> None:
        """The last attempt ended with this answer: try that address next; None: no redirect."""
        self._redirect = leader

    def logged_in(self) -> None:
        """The last attempt led to a session. After its end, the next address is tried first: if the same node still
        leads, that one says so, and if it hangs, no time is lost with it.
        """
        self._attempts = self._redirects = 0
        self._lost_at = None
        if self.current in self.known:
            self._place = (self.known.index(self.current) + 1) % len(self.known)

    @property
    def is_trying(self) -> bool:
        """Whether attempts were made since the last login."""
        return self._lost_at is not None

    def pause(self, now: float) -> float | None:
        """Begin an attempt: seconds to wait before it, None if the client must give up."""
        if self._lost_at is None:
            self._lost_at = now
        if self.patience is None:
            if self._attempts >= self._retries:
                return None
        elif now - self._lost_at >= self.patience:
            return None
        self._attempts += 1
        if self._redirect is not None and self._redirects < MOST_REDIRECTS:
            self._redirects += 1
            return 0.0
        self._redirects = 0
        longest = LONGEST_OF_SEVERAL_S if self.several else LONGEST_PAUSE_S
        pause_s = min(longest, FIRST_PAUSE_S * (1 << min((self._attempts - 1) // len(self.known), 10)))
        return pause_s * random.uniform(0.5, 1.0)  # so that clients spread

    def next(self) -> Address:
        """Return the address to try now."""
        if self._redirect is not None:
            self.current, self._redirect = self._redirect, None
        else:
            self.current = self.known[self._place]
            self._place = (self._place + 1) % len(self.known)
        return self.current

    @property
    def bound(self) -> str:
        """After what the client gives up, in words."""
        return f"{self._retries} attempts" if self.patience is None else f"{self.patience:g} s"

    @property
    def text(self) -> str:
        """The addresses, in words."""
        return ", ".join(map(addresses.text, self.known))


def addresses_of(host: str | Sequence[str | Address], port: int) -> list[Address]:
    """Return the addresses that a caller gave: one host and a port, or several addresses. Raises InvalidSetting."""
    if isinstance(host, str):
        return [(host, port)]
    try:
        known = [addresses.parse(one) if isinstance(one, str) else (str(one[0]), int(one[1])) for one in host]
    except (ValueError, TypeError, IndexError) as error:
        raise InvalidSetting(f"addresses: {error}: give HOST:PORT for each") from error
    if not known:
        raise InvalidSetting("addresses: there are none: give HOST:PORT for each node")
    return known
