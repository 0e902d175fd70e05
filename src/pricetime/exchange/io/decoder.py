"""Decodes the messages of logged-in clients directly into the commands of the sequencer.

The allowed message types and their sizes are the rules of an active session (``wire/session.py``). Each message that
gets a reply becomes one command, even if the gateway rejects it (GATEWAY_REJECT): so the rejection has its place in the
sequence, and reports depend on commands only. A message that is not allowed ends the session with a reason.

While the log makes no progress, a new order or replace does not become a command: the gateway refuses it. A refusal is
a rejected report without a sequence number, which need not wait for the log.

Decoding stops after a MassCancel: the client's next messages must wait until the commands that complete it are done.
"""

from __future__ import annotations

from collections.abc import Sequence

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.io.throttle import Throttle
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.sequencer import Sequencer

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memset

#: A session ends when the throttle has rejected more commands than this, or than ``orders_per_second`` if that is more.
#: The count restarts after one second without a throttled command.
LEAST_THROTTLED = 100


@cython.final
@cython.cclass
class Decoder:
    """``sizes``: message sizes by type. ``end_reasons``: SessionReason by type. Both have 256 bytes."""

    if not cython.compiled:
        sizes = end_reasons = account = refused = cython.NULL

    def __init__(
        self,
        settings: GatewayConfig,
        sizes: Sequence[int],
        end_reasons: Sequence[int],
        throttle: Throttle,
        sequencer: Sequencer,
    ) -> None:
        for i in range(256):
            self.sizes[i] = sizes[i]
            self.end_reasons[i] = end_reasons[i]
        self.throttle = throttle
        self.most_throttled = max(LEAST_THROTTLED, settings.orders_per_second)
        self.sequencer = sequencer
        self.busy = False
        self.refused_count = 0
        self.rejects = 0
        self.reason = NO_REASON
        self.refused = cython.cast(cython.pointer[Report], reserve(REFUSED_BYTES))
        if not self.refused:
            raise MemoryError("no room for refusals")

    def __dealloc__(self) -> None:
        release(self.refused, REFUSED_BYTES)

    def decode(
        self,
        account: cython.pointer[Account],
        owner: u32,
        data: cython.pointer[cython.const[u8]],
        n_bytes: u64,
        now_ns: u64,
        timestamp: u64,
    ) -> u64:
        """Decode whole messages. The sequencer must have room for one command for each 16 bytes. If ``busy`` is set it
        need not: decoding ends before a command without room.

        Returns the number of bytes used. ``reason``: why the session must end, or NO_REASON. ``refused``: the refusals,
        to be sent before that. At most BUFFER_BYTES + MAX_MESSAGE.
        """
        self.reason = NO_REASON
        self.mass_cancel = 0
        self.refused_count = 0
        used: u64 = 0
        while used < n_bytes:
            kind: u32 = data[used]
            size: u64 = self.sizes[kind]
            if size == 0:
                self.reason = self.end_reasons[kind]
                break
            if n_bytes - used < size:
                break
            if kind < HEARTBEAT:
                if kind == NEW_ORDER or kind == REPLACE_ORDER:
                    size = self._size(data + used, n_bytes - used)
                    if size == 0:
                        break
                refuses: cython.bint = self.busy and (kind == NEW_ORDER or kind == REPLACE_ORDER)
                if self.busy and not refuses and self.sequencer.room() == 0:
                    break
                account.commands += 1
                if refuses:
                    self._refuse(account, data + used, now_ns)
                else:
                    self._take(account, owner, data + used, size, now_ns, timestamp)
            elif kind == LOGOUT:
                self.reason = CLIENT_LOGOUT
            used += size
            if self.reason != NO_REASON or self.mass_cancel != 0:
                break
        return used

    def decoded(
        self, data: bytes | memoryview, owner: int = 1, now_ns: int = 0, goes_on: bool = False
    ) -> tuple[NDArray[np.void], int, int]:
        """Decode for tests: (array of commands, bytes used, reason). Timestamps are 0.

        Each call begins a new session unless ``goes_on``, which keeps the throttle's accounts of earlier calls. Does
        not stop after a MassCancel.
        """
        first: u64 = self.sequencer.sequence + 1
        if not goes_on:
            memset(cython.address(self.account), 0, cython.sizeof(Account))
        view: cython.const[cython.uchar][::1] = data  # type: ignore[valid-type]
        used: u64 = 0
        more: cython.bint = len(data) != 0
        self.reason = NO_REASON
        while more:
            n_bytes: u64 = self.decode(
                cython.address(self.account),
                owner,
                cython.address(view[used]),
                min(len(data) - used, cython.cast(u64, BUFFER_BYTES)),
                now_ns,
                0,
            )
            used += n_bytes
            more = n_bytes != 0 and used < cython.cast(u64, len(data)) and self.reason == NO_REASON
        return self.sequencer.take(first), used, self.reason

    def _take(
        self,
        account: cython.pointer[Account],
        owner: u32,
        message: cython.pointer[cython.const[u8]],
        size: u64,
        now_ns: u64,
        timestamp: u64,
    ) -> None:
        """Write the command of a message, and that of its extension."""
        c: cython.pointer[Command] = numbered(self.sequencer, message[0], owner, timestamp)
        self._fill(account, owner, message, c, now_ns)
        if size > cython.sizeof(NewOrder) and c.type != GATEWAY_REJECT:
            c = numbered(self.sequencer, ORDER_EXTENSION, owner, timestamp)
            memcpy(cython.address(c.type), message + cython.sizeof(NewOrder), cython.sizeof(OrderExtension))

    def _refuse(self, account: cython.pointer[Account], message: cython.pointer[cython.const[u8]], now_ns: u64) -> None:
        """Write the refusal of a new order or a replace. The throttle counts the order."""
        if not self.throttle.takes(account, message[0], now_ns):
            self._note_throttled(account, now_ns)
        m: cython.pointer[cython.const[NewOrder]] = cython.cast(cython.pointer[cython.const[NewOrder]], message)
        report: cython.pointer[Report] = cython.address(self.refused[self.refused_count])
        memset(report, 0, cython.sizeof(Report))
        report.type = EXECUTION_REPORT
        report.kind = REJECTED
        report.reason = BUSY
        report.side = m.side
        report.instrument = m.instrument
        report.order_id = m.order_id
        report.maker_id = account.commands
        report.price = m.price
        report.quantity = m.quantity
        self.refused_count += 1
        self.rejects += 1

    def _size(self, message: cython.pointer[cython.const[u8]], n_bytes: u64) -> u64:
        """Size of a new order or a replace, with its extension if it has one. 0 if more bytes must arrive, or if no
        extension follows it where one must."""
        size: u64 = cython.sizeof(NewOrder)
        if cython.cast(cython.pointer[cython.const[NewOrder]], message).instructions & EXTENDED == 0:
            return size
        if n_bytes == size:
            return 0
        kind: u32 = message[size]
        if kind != ORDER_EXTENSION:
            self.reason = OUT_OF_STATE if self.sizes[kind] != 0 else self.end_reasons[kind]
            return 0
        size += cython.sizeof(OrderExtension)
        return size if n_bytes >= size else 0

    def _fill(
        self,
        account: cython.pointer[Account],
        owner: u32,
        message: cython.pointer[cython.const[u8]],
        c: cython.pointer[Command],
        now_ns: u64,
    ) -> None:
        """Write the body of a command from its message. An invalid message becomes a GATEWAY_REJECT with a reason."""
        reason: u32 = NONE
        if c.type == NEW_ORDER or c.type == REPLACE_ORDER:
            reason = self._fill_new(cython.cast(cython.pointer[cython.const[NewOrder]], message), c)
        else:
            reason = self._fill_other(message, c)
        if self.throttle.order_interval_ns != 0 and not self.throttle.takes(account, c.type, now_ns):
            reason = THROTTLED
            self._note_throttled(account, now_ns)
        elif c.order_id >> ORDER_ID_SHIFT != 0:
            reason = INVALID_ORDER_ID
        if reason != NONE:
            c.type = GATEWAY_REJECT
            c.flags = reason
            self.rejects += 1
        else:
            c.order_id |= cython.cast(u64, owner) << ORDER_ID_SHIFT
            if c.type >= MASS_CANCEL:
                self._complete(c)

    def _fill_other(self, message: cython.pointer[cython.const[u8]], c: cython.pointer[Command]) -> u32:
        """Write the body of a command that is not an order. Returns a reason to reject it, or NONE."""
        c.side = c.time_in_force = c.flags = 0
        c.price = 0
        c.quantity = 0
        c.tag = 0
        reason: u32 = NONE
        if c.type == CANCEL_ORDER:
            reason = self._fill_cancel(cython.cast(cython.pointer[cython.const[CancelOrder]], message), c)
        elif c.type == REDUCE_ORDER:
            reason = self._fill_reduce(cython.cast(cython.pointer[cython.const[ReduceOrder]], message), c)
        elif c.type == MASS_CANCEL:
            reason = self._fill_mass_cancel(cython.cast(cython.pointer[cython.const[MassCancel]], message), c)
        else:
            reason = self._fill_open_orders(cython.cast(cython.pointer[cython.const[OpenOrders]], message), c)
        return reason

    def _complete(self, c: cython.pointer[Command]) -> None:
        """Write what the exchange adds to a mass cancel and to a list of open orders."""
        if c.type == MASS_CANCEL:
            c.tag = FIRST_PART
            self.mass_cancel = c.sequence
        elif c.type == OPEN_ORDERS:
            c.quantity |= cython.cast(u64, c.owner) << ORDER_ID_SHIFT

    def _fill_new(self, m: cython.pointer[cython.const[NewOrder]], c: cython.pointer[Command]) -> u32:
        """Write a new order, or a replace, whose message has the same fields but no order type, and no instruction
        besides EXTENDED."""
        memcpy(cython.address(c.type), m, SHARED_BYTES)
        c.tag = m.tag
        terms: u32
        memcpy(cython.address(terms), cython.address(m.order_type), cython.sizeof(u32))
        if terms == 0:
            return NONE  # a plain limit order, as most are
        c.instructions = m.instructions
        malformed: cython.bint = m.zero != 0
        if c.type == REPLACE_ORDER:
            malformed |= m.order_type != 0 or m.instructions != EXTENDED
        else:
            c.order_type = m.order_type
        if m.instructions & EXTENDED:
            e: cython.pointer[cython.const[OrderExtension]] = cython.cast(
                cython.pointer[cython.const[OrderExtension]], m + 1
            )
            malformed |= e.zero != 0 or e.zero2 != 0
        return MALFORMED if malformed else NONE

    def _fill_cancel(self, m: cython.pointer[cython.const[CancelOrder]], c: cython.pointer[Command]) -> u32:
        c.instrument = m.instrument
        c.order_id = m.order_id
        return MALFORMED if m.zero != 0 or m.zero2 != 0 else NONE

    def _fill_reduce(self, m: cython.pointer[cython.const[ReduceOrder]], c: cython.pointer[Command]) -> u32:
        c.instrument = m.instrument
        c.order_id = m.order_id
        c.quantity = m.quantity
        return MALFORMED if m.zero != 0 or m.zero2 != 0 else NONE

    def _fill_mass_cancel(self, m: cython.pointer[cython.const[MassCancel]], c: cython.pointer[Command]) -> u32:
        c.side = m.side
        c.instrument = m.instrument
        c.order_id = m.order_id
        return MALFORMED if m.zero != 0 else NONE

    def _fill_open_orders(self, m: cython.pointer[cython.const[OpenOrders]], c: cython.pointer[Command]) -> u32:
        c.flags = m.flags
        c.instrument = m.instrument
        c.order_id = m.order_id
        c.quantity = m.behind
        if m.zero != 0 or m.flags > BEHIND:
            return MALFORMED
        return INVALID_ORDER_ID if m.behind >> ORDER_ID_SHIFT != 0 else NONE

    def _note_throttled(self, account: cython.pointer[Account], now_ns: u64) -> None:
        """Count a throttled command. Too many end the session; the count continues over the owner's sessions."""
        if now_ns > account.throttled_ns + THROTTLE_MEMORY_NS:
            account.throttled = 0
        account.throttled += 1
        account.throttled_ns = now_ns
        if account.throttled > self.most_throttled:
            self.reason = THROTTLE_EXCEEDED
