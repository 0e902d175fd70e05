# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Decodes the messages of logged-in clients directly into slots of the ring of commands.

The allowed message types and their sizes are the rules of an active session (``wire/session.py``). Each message that
gets a reply becomes one command, even if the gateway rejects it (GATEWAY_REJECT): so the rejection has its place in the
sequence, and reports depend on commands only. A message that is not allowed ends the session with a reason.

An order with EXTENDED is decoded together with its OrderExtension, into two commands. If it is rejected, it becomes one
command.

Decoding stops after a MassCancel: the client's next messages must wait until the commands that complete it are done.
"""

from __future__ import annotations

import cython
import numpy as np

from pricetime.types import COMMAND

if cython.compiled:
    from cython.cimports.libc.string import memcpy, memset

#: A session ends when the throttle has rejected more commands than this, or than ``orders_per_second`` if that is more.
#: The count restarts after one second without a throttled command.
LEAST_THROTTLED = 100


@cython.final
@cython.cclass
class Decoder:
    """``sizes``: message sizes by type. ``end_reasons``: SessionReason by type. Both have 256 bytes."""

    def __init__(self, settings, sizes, end_reasons, sequence=0):
        """``settings``: a GatewayConfig. ``sequence``: number of the last command before the first one decoded."""
        for i in range(256):
            self.sizes[i] = sizes[i]
            self.end_reasons[i] = end_reasons[i]
        self.throttle = Throttle(settings)
        self.most_throttled = max(LEAST_THROTTLED, settings.orders_per_second)
        self.sequence = sequence
        self.rejects = 0
        self.reason = NO_REASON

    def decode(self, s, owner, data, n_bytes, slots, place, mask, now_ns, timestamp):
        """Decode whole messages into slots from ``place`` on. The caller provides one slot for each 16 bytes.

        Returns the number of bytes used. ``written``: slots filled. ``reason``: why the session must end, or NO_REASON.
        """
        self.reason = NO_REASON
        self.written = 0
        used: u64 = 0
        before: u64 = self.sequence
        while used < n_bytes:
            kind: u32 = data[used]
            size: u64 = self.sizes[kind]
            if size == 0:
                self.reason = self.end_reasons[kind]
                break
            if n_bytes - used < size:
                break
            if kind < HEARTBEAT:
                if kind == NEW_ORDER and cython.cast(cython.pointer[NewOrder], data + used).instructions & EXTENDED:
                    size = self._extended_size(data + used, n_bytes - used)
                    if size == 0:
                        break
                c: cython.pointer[Command] = cython.cast(
                    cython.pointer[Command], slots + ((place + self.written) & mask) * cython.sizeof(Command)
                )
                self.start(c, kind, owner, timestamp)
                self._fill(s, owner, data + used, c, now_ns)
                self.written += 1
                if c.type == NEW_ORDER and c.instructions & EXTENDED:
                    c = cython.cast(
                        cython.pointer[Command], slots + ((place + self.written) & mask) * cython.sizeof(Command)
                    )
                    self.start(c, ORDER_EXTENSION, owner, timestamp)
                    memcpy(cython.address(c.type), data + used + cython.sizeof(NewOrder), cython.sizeof(OrderExtension))
                    self.written += 1
            elif kind == LOGOUT:
                self.reason = CLIENT_LOGOUT
            used += size
            if self.reason != NO_REASON or s.waits_for > before:
                break
        return used

    def decoded(self, data, owner=1, now_ns=0, goes_on=False):
        """Decode for tests: (array of commands, bytes used, reason). Timestamps are 0.

        Each call begins a new session unless ``goes_on``, which keeps the throttle's accounts of earlier calls. Does
        not stop after a MassCancel.
        """
        commands = np.zeros(len(data) // 16 + 1, COMMAND)
        if not goes_on:
            memset(cython.address(self.session), 0, cython.sizeof(Session))
        view: cython.const[cython.uchar][::1] = data
        used: u64 = 0
        written: u64 = 0
        more: cython.bint = len(data) != 0
        self.reason = NO_REASON
        while more:
            slots: cython.pointer[u8] = cython.cast(cython.pointer[u8], records_of(commands))
            # NO_MASK: the array is not a ring
            n_bytes: u64 = self.decode(
                cython.address(self.session), owner, cython.address(view[used]), len(data) - used, slots, written,
                NO_MASK, now_ns, 0,
            )  # fmt: skip
            used += n_bytes
            written += self.written
            more = n_bytes != 0 and used < cython.cast(u64, len(data)) and self.reason == NO_REASON
        return commands[:written], used, self.reason

    def start(self, c, kind, owner, timestamp):
        """Write the header of a command, and zeros for its body."""
        self.sequence += 1
        c.sequence = self.sequence
        c.timestamp = timestamp
        c.session = c.owner = owner
        c.length = 40
        c.order_type = c.instructions = 0
        c.type = kind
        c.side = c.time_in_force = c.flags = 0
        c.instrument = c.tag = 0
        c.order_id = c.quantity = 0
        c.price = 0

    def _extended_size(self, message, n_bytes):
        """Size of an extended order and its extension. 0 if more bytes must arrive, or if no extension follows it."""
        size: u64 = cython.sizeof(NewOrder)
        if n_bytes == size:
            return 0
        kind: u32 = message[size]
        if kind != ORDER_EXTENSION:
            self.reason = OUT_OF_STATE if self.sizes[kind] != 0 else self.end_reasons[kind]
            return 0
        size += cython.sizeof(OrderExtension)
        return size if n_bytes >= size else 0

    def _fill(self, s, owner, message, c, now_ns):
        """Write the body of a command from its message. An invalid message becomes a GATEWAY_REJECT with a reason."""
        reason: u32 = NONE
        if c.type == NEW_ORDER or c.type == REPLACE_ORDER:
            reason = self._fill_new(cython.cast(cython.pointer[cython.const[NewOrder]], message), c)
        elif c.type == CANCEL_ORDER:
            reason = self._fill_cancel(cython.cast(cython.pointer[cython.const[CancelOrder]], message), c)
        elif c.type == REDUCE_ORDER:
            reason = self._fill_reduce(cython.cast(cython.pointer[cython.const[ReduceOrder]], message), c)
        elif c.type == MASS_CANCEL:
            reason = self._fill_mass_cancel(cython.cast(cython.pointer[cython.const[MassCancel]], message), c)
        else:
            reason = self._fill_open_orders(cython.cast(cython.pointer[cython.const[OpenOrders]], message), c)
        if not self.throttle.takes(s, c.type, now_ns):
            reason = THROTTLED
            self._note_throttled(s, now_ns)
        elif c.order_id >> ORDER_ID_SHIFT != 0:
            reason = INVALID_ORDER_ID
        if reason != NONE:
            c.type = GATEWAY_REJECT
            c.flags = reason
            self.rejects += 1
        else:
            c.order_id |= cython.cast(u64, owner) << ORDER_ID_SHIFT
            if c.type == MASS_CANCEL:
                c.tag = FIRST_PART
                s.waits_for = c.sequence
            if c.type == OPEN_ORDERS:
                c.quantity |= cython.cast(u64, owner) << ORDER_ID_SHIFT

    def _fill_new(self, m, c):
        """Write a new order, or a replace, in whose message the fields after the quantity are ignored."""
        memcpy(cython.address(c.type), m, SHARED_BYTES)
        c.tag = m.tag
        if c.type == REPLACE_ORDER:
            return NONE
        c.order_type = m.order_type
        c.instructions = m.instructions
        malformed: cython.bint = m.zero != 0
        if m.instructions & EXTENDED:
            e: cython.pointer[cython.const[OrderExtension]] = cython.cast(
                cython.pointer[cython.const[OrderExtension]], m + 1
            )
            malformed |= e.zero != 0 or e.zero2 != 0 or e.zero3 != 0
        return MALFORMED if malformed else NONE

    def _fill_cancel(self, m, c):
        c.instrument = m.instrument
        c.order_id = m.order_id
        return MALFORMED if m.zero != 0 or m.zero2 != 0 else NONE

    def _fill_reduce(self, m, c):
        c.instrument = m.instrument
        c.order_id = m.order_id
        c.quantity = m.quantity
        return MALFORMED if m.zero != 0 or m.zero2 != 0 else NONE

    def _fill_mass_cancel(self, m, c):
        c.side = m.side
        c.instrument = m.instrument
        c.order_id = m.order_id
        return MALFORMED if m.zero != 0 else NONE

    def _fill_open_orders(self, m, c):
        c.flags = m.flags
        c.instrument = m.instrument
        c.order_id = m.order_id
        c.quantity = m.behind
        if m.zero != 0 or m.flags > BEHIND:
            return MALFORMED
        return INVALID_ORDER_ID if m.behind >> ORDER_ID_SHIFT != 0 else NONE

    def _note_throttled(self, s, now_ns):
        """Count a throttled command. Too many end the session; the count continues over the owner's sessions."""
        if now_ns > s.throttled_ns + THROTTLE_MEMORY_NS:
            s.throttled = 0
        s.throttled += 1
        s.throttled_ns = now_ns
        if s.throttled > self.most_throttled:
            self.reason = THROTTLE_EXCEEDED
