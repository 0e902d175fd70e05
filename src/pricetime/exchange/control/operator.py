"""The commands of ``pricetime admin``, one method for each.

An operator's command that changes orders or instruments is written to the journal like a client's mass cancel. The
reply is sent when the command is executed and, with a journal, acknowledged. A block lasts until ``unblock`` or until
the server ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...checks import shown, whole
from ...errors import InvalidOwner, PricetimeError
from ...log.backup import back_up
from ...log.errors import JournalError
from ...types import Phase, PriceKind, Reason, Side
from ...wire.types import MAX_OWNER, ORDER_ID_BITS, SessionReason
from ..exchange import Exchange
from ..settings.fields import written
from ..settings.server_log import Log
from .commands import COMMAND_TIMEOUT_S, POLL_S, Commands, Refused
from .commands import Answer as Result
from .secrets import Secrets

if TYPE_CHECKING:
    from ..standby.journal import Journal

E = TypeVar("E", bound=IntEnum)

#: Timeout for writing a snapshot, in seconds.
SNAPSHOT_TIMEOUT_S = 120.0

#: A reply: its rows, and its last line.
Answer = tuple[list[dict[str, Any]], dict[str, Any]]


#: Why the exchange rejects a command of the operator, and what to do.
REMEDIES = {
    Reason.MUST_UNCROSS: "orders were collected, which can cross: use uncross",
    Reason.NOT_IN_PHASE: "the instrument collects no orders in its phase: use phase",
    Reason.INVALID_PRICE: "the price is not a multiple of the tick size",
}


class Operator:
    """Executes the operator's requests. ``commands``: sends those about an instrument."""

    def __init__(self, exchange: Exchange, commands: Commands, log: Log) -> None:
        self.blocked: set[int] = set()  #: owners who may not log in
        self._exchange = exchange
        self._send = commands
        self._log = log
        self._listing = asyncio.Lock()
        self._commands: Mapping[str, Callable[[Mapping[str, Any]], Awaitable[Answer]]] = {
            "cancel": partial(self._remove, SessionReason.NO_REASON, Reason.BY_OPERATOR),
            "logout": partial(self._remove, SessionReason.BY_OPERATOR, Reason.NONE),
            "kill": self._kill,
            "block": partial(self._block, self.blocked.add),
            "unblock": partial(self._block, self.blocked.discard),
            "halt": partial(self._begin, Phase.HALTED),
            "open": partial(self._begin, Phase.CONTINUOUS),
            "phase": self._phase,
            "uncross": self._uncross,
            "indicate": self._indicate,
            "set-price": self._set_price,
            "expire": self._expire,
            "status": self._status,
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
        try:
            rows, last = await self._commands[request["command"]](request)
        except (PricetimeError, OSError) as error:
            self._log.warning("operator request failed", **{**request, "error": str(error)})
            raise
        self._log.info("operator request done", **{"command": request["command"], **last})
        return rows, last

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

    async def _phase(self, request: Mapping[str, Any]) -> Answer:
        return await self._begin(_member(request, "phase", Phase), request)

    async def _begin(self, phase: Phase, request: Mapping[str, Any]) -> Answer:
        """Begin a phase of an instrument."""
        instrument = self._instrument(request)
        _accept(instrument, await self._send.set_phase(instrument, phase))
        return [], {"instrument": instrument, "phase": written(phase)}

    async def _uncross(self, request: Mapping[str, Any]) -> Answer:
        """Trade at the auction price and begin a phase."""
        instrument, phase = self._instrument(request), _member(request, "phase", Phase)
        found = _auction(instrument, await self._send.uncross(instrument, phase))
        return [], found | {"phase": written(self._exchange.phase(instrument))}

    async def _indicate(self, request: Mapping[str, Any]) -> Answer:
        """Publish where the auction would trade now."""
        instrument = self._instrument(request)
        return [], _auction(instrument, await self._send.indicate(instrument))

    async def _set_price(self, request: Mapping[str, Any]) -> Answer:
        """Set one price of an instrument."""
        instrument = self._instrument(request)
        kind = _member(request, "kind", PriceKind)
        price = whole(request.get("price"), -(2**63), 2**63 - 1, Refused, "price")
        _accept(instrument, await self._send.set_price(instrument, kind, price))
        return [], {"instrument": instrument, request["kind"]: price}

    async def _expire(self, request: Mapping[str, Any]) -> Answer:
        """Expire what is due: GTD orders, and DAY orders in phase CLOSED."""
        instrument = self._instrument(request)
        answer = _accept(instrument, await self._send.expire(instrument))
        return [], {"instrument": instrument, "expired": answer.quantity}

    async def _status(self, _request: Mapping[str, Any]) -> Answer:
        """The phase of each instrument."""
        rows = [
            {"instrument": number, "symbol": instrument.symbol, "phase": written(self._exchange.phase(number))}
            for number, instrument in sorted(self._exchange.instruments.items())
        ]
        received, answered = self._exchange.progress()
        return rows, {"instruments": len(rows), "commands": received, "unanswered": max(0, received - answered)}

    def _instrument(self, request: Mapping[str, Any]) -> int:
        """The instrument of a request. Raises Refused if it is unknown."""
        instrument = whole(request.get("instrument"), 0, 2**32 - 1, Refused, "instrument")
        if instrument not in self._exchange.instruments:
            raise Refused(f"instrument {instrument} is unknown: see status")
        return instrument

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


def _member(request: Mapping[str, Any], field: str, kind: type[E]) -> E:
    """The member of an enumeration in a field of a request, written as in the settings. Raises Refused."""
    names = {written(member): member for member in kind}
    if request.get(field) not in names:
        raise Refused(f"{field} {shown(request.get(field))} is unknown: give one of {', '.join(names)}")
    return names[request[field]]


def _accept(instrument: int, answer: Result) -> Result:
    """The answer to a command, if it was not rejected. Raises Refused."""
    if answer.is_rejected:
        remedy = REMEDIES.get(answer.reason)
        why = f"{written(answer.reason)}{f': {remedy}' if remedy else ''}"
        raise Refused(f"instrument {instrument}: rejected with {why}")
    return answer


def _auction(instrument: int, answer: Result) -> dict[str, Any]:
    """The result of an auction: its price, volume and surplus, and on which side that is."""
    if _accept(instrument, answer).reason is Reason.NO_AUCTION_PRICE:
        return {"instrument": instrument, "price": "none", "quantity": 0, "surplus": 0}
    side = {} if answer.side is None else {"side": answer.side.name.lower()}
    return {
        "instrument": instrument,
        "price": answer.price,
        "quantity": answer.quantity,
        "surplus": answer.surplus,
    } | side
