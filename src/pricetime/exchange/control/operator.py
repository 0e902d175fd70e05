"""The commands of ``pricetime admin``, one method for each.

An operator's command that changes orders or instruments is written to the journal like a client's mass cancel. The
reply is sent when the command is executed and, with a journal, acknowledged. A block lasts until ``unblock`` or until
the server ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import shown, whole
from ...errors import InvalidOwner, PricetimeError
from ...log.backup import back_up
from ...log.errors import JournalError
from ...types import Phase, Reason, Side
from ...wire.types import MAX_OWNER, ORDER_ID_BITS, SessionReason
from ..exchange import Exchange
from ..settings.server_log import Log
from .secrets import Secrets

if TYPE_CHECKING:
    from ..standby.journal import Journal

#: Timeouts for the execution of a command and for writing a snapshot, in seconds.
COMMAND_TIMEOUT_S, SNAPSHOT_TIMEOUT_S = 10.0, 120.0

#: Interval of checks whether it is done, in seconds.
POLL_S = 0.005

#: A reply: its rows, and its last line.
Answer = tuple[list[dict[str, Any]], dict[str, Any]]


class Refused(PricetimeError):
    """The operator's request cannot be executed. The message says why and what to do."""


class Operator:
    """Executes the operator's requests. ``set_phase``: changes the phase of an instrument, False if it is unknown."""

    def __init__(self, exchange: Exchange, set_phase: Callable[[int, Phase], Awaitable[bool]], log: Log) -> None:
        self.blocked: set[int] = set()  #: owners who may not log in
        self._exchange = exchange
        self._set_phase = set_phase
        self._log = log
        self._listing = asyncio.Lock()
        self._commands: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]] = {
            "cancel": partial(self._remove, SessionReason.NO_REASON, Reason.BY_OPERATOR),
            "logout": partial(self._remove, SessionReason.BY_OPERATOR, Reason.NONE),
            "kill": self._kill,
            "block": partial(self._block, self.blocked.add),
            "unblock": partial(self._block, self.blocked.discard),
            "halt": partial(self._bring, Phase.HALTED),
            "open": partial(self._bring, Phase.CONTINUOUS),
            "orders": self._orders,
            "sessions": self._sessions,
            "snapshot": self._snapshot,
            "backup": self._backup,
        }

    async def do(self, request: object) -> Answer:
        """Execute a request such as ``{"command": "cancel", "owner": 7}``. Raises PricetimeError and OSError."""
        if not isinstance(request, dict) or request.get("command") not in self._commands:
            raise Refused(f"request {shown(request)}: give a command, one of {', '.join(self._commands)}")
        self._log.info("operator", **request)
        return await self._commands[request["command"]](request)

    # ------------------------------------------------------------------ owners

    async def revoke(self, before: Secrets, after: Secrets) -> list[int]:
        """Log out every owner whose secret was changed or removed, and cancel the orders of those removed.

        Returns the owners that were logged out.
        """
        changed = [number for number in before.traders() if after.trader(number) != before.trader(number)]
        for owner in changed:
            gone = after.trader(owner) is None
            await self._request(owner, SessionReason.CREDENTIALS_REVOKED, Reason.BY_OPERATOR if gone else Reason.NONE)
        return changed

    async def _remove(self, session_reason: SessionReason, cancel_reason: Reason, request: Mapping[str, Any]) -> Answer:
        """End an owner's session, cancel its orders, or both, and wait until that is done."""
        owner = _owner(request)
        before = len(await self._list(owner))
        await self._request(owner, session_reason, cancel_reason)
        await self._settle(owner)
        return [], {"owner": owner, "open_before": before, "open_after": len(await self._list(owner))}

    async def _kill(self, request: Mapping[str, Any]) -> Answer:
        """Block an owner, end its session and cancel all its orders."""
        _, blocked = await self._block(self.blocked.add, request)
        _, done = await self._remove(SessionReason.BY_OPERATOR, Reason.BY_OPERATOR, request)
        return [], blocked | done

    async def _block(self, change: Callable[[int], None], request: Mapping[str, Any]) -> Answer:
        change(owner := _owner(request))
        return [], {"owner": owner, "blocked": owner in self.blocked}

    async def _orders(self, request: Mapping[str, Any]) -> Answer:
        """The open orders of an owner."""
        owner = _owner(request)
        rows = [
            {
                "instrument": int(order["instrument"]),
                "id": int(order["order_id"]) & ((1 << ORDER_ID_BITS) - 1),
                "side": Side(int(order["side"])).name.lower(),
                "price": int(order["price"]),
                "quantity": int(order["quantity"]),
            }
            for order in await self._list(owner)
        ]
        return rows, {"owner": owner, "orders": len(rows)}

    async def _sessions(self, _request: Mapping[str, Any]) -> Answer:
        rows = [
            {"owner": owner, "unsent_bytes": unsent, "silent_ms": silent_ns // 1_000_000, "next_sequence": following}
            for owner, unsent, silent_ns, following in self._exchange.sessions()
        ]
        return rows, {"sessions": len(rows), "blocked": sorted(self.blocked)}

    async def _list(self, owner: int) -> NDArray[np.void]:
        async with self._listing:
            try:
                return await asyncio.to_thread(self._exchange.open_orders, owner)
            except RuntimeError as error:
                raise Refused(str(error)) from error

    async def _request(self, owner: int, session_reason: SessionReason, cancel_reason: Reason) -> None:
        await self._wait_for(lambda: self._exchange.remove(owner, session_reason, cancel_reason))

    async def _settle(self, owner: int = 0) -> None:
        """Wait until all requests made so far are executed and answered, and the mass cancels of ``owner`` too."""
        await self._wait_for(lambda: self._exchange.is_done(owner))
        taken, _ = self._exchange.progress()
        await self._wait_for(lambda: self._exchange.progress()[1] >= taken)

    async def _wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds()`` is true. Raises Refused after COMMAND_TIMEOUT_S."""
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                while not holds():
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise Refused(
                f"not executed within {COMMAND_TIMEOUT_S:.0f} s; the server may still execute it. Is the disk of the "
                "journal busy? See the log of the server"
            ) from None

    # ------------------------------------------------------------------ instruments

    async def _bring(self, phase: Phase, request: Mapping[str, Any]) -> Answer:
        instrument = whole(request.get("instrument"), 0, 2**32 - 1, Refused, "instrument")
        if not await self._set_phase(instrument, phase):
            raise Refused(
                f"instrument {instrument} is unknown, or the exchange has too many waiting requests: see the log of "
                "the server"
            )
        await self._settle()
        return [], {"instrument": instrument, "phase": phase.name.lower()}

    # ------------------------------------------------------------------ journal

    async def _snapshot(self, _request: Mapping[str, Any]) -> Answer:
        """Take a snapshot and wait until it is written."""
        journal = self._journal()
        wanted = journal.log.last
        self._exchange.want_snapshot()
        try:
            async with asyncio.timeout(SNAPSHOT_TIMEOUT_S):
                while not (found := [one for one in journal.directory.snapshots() if one >= wanted]):
                    await asyncio.sleep(POLL_S)
                    if wanted == 0:
                        raise Refused("there is nothing to snapshot: the exchange has not received a command yet")
        except TimeoutError:
            raise Refused(
                f"no snapshot was written within {SNAPSHOT_TIMEOUT_S:.0f} s: see the log of the server"
            ) from None
        return [], {"sequence": found[0], "file": str(journal.directory.snapshot_path(found[0]).absolute())}

    async def _backup(self, request: Mapping[str, Any]) -> Answer:
        """Copy the journal to a new directory while the server runs."""
        journal, target = self._journal(), request.get("directory")
        if not isinstance(target, str) or not Path(target).is_absolute():
            raise Refused("directory: give the absolute path of a directory that does not exist yet")
        try:
            made = await asyncio.to_thread(back_up, journal.directory, journal.extent, Path(target))
        except JournalError as error:
            raise Refused(str(error)) from error
        return [], {"directory": target, "sequence": made.sequence, "bytes": made.n_bytes}

    def _journal(self) -> Journal:
        if self._exchange.journal is None:
            raise Refused("there is no journal: start the server with --journal DIR")
        return self._exchange.journal


def _owner(request: Mapping[str, Any]) -> int:
    return whole(request.get("owner"), 1, MAX_OWNER, InvalidOwner, "owner")
