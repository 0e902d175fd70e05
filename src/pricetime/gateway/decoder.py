# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Bytes of a logged-in client, straight into the slots of the ring: one command for each message that wants an answer.

Which types may come, and how long each is, is the active row of the session's rules (``wire/session.py``). Whatever
can be answered becomes a command, also what is refused here: the answer then has its place among the others, and
the reports are a function of the commands alone. What cannot be answered ends the session, with its reason.

Behind a MassCancel it stops: what a client sends after it comes after its end, which other commands bring about.
"""

from __future__ import annotations

import cython
import numpy as np

from pricetime.types import COMMAND

if cython.compiled:
    from cython.cimports.libc.string import memset

#: Orders that the throttle refuses before the session ends, at the least: a second's worth where that is more. Those
#: count that come with no second between them in which nothing is refused.
LEAST_REFUSED = 100


@cython.final
@cython.cclass
class Decoder:
    """``sizes`` and ``refusals``: 256 bytes each, by type. ``settings``: a GatewayConfig."""

    def __init__(self, settings, sizes, refusals, sequence=0):
        """``sequence``: of the last command before those that come."""
        for i in range(256):
            self.sizes[i] = sizes[i]
            self.refusals[i] = refusals[i]
        self.throttle = Throttle(settings)
        self.most_refused = max(LEAST_REFUSED, settings.orders_per_second)
        self.sequence = sequence
        self.refused = 0
        self.reason = NO_REASON

    def decode(self, s, owner, data, n_bytes, slots, place, mask, now_ns, timestamp):
        """Decode whole messages into slots from ``place`` on, of which there is one for each 16 bytes.

        Returns the bytes used; ``written`` says how many slots, ``reason`` why the session must end, if it must.
        """
        self.reason = NO_REASON
        self.written = 0
        used: u64 = 0
        before: u64 = self.sequence
        while used < n_bytes:
            kind: u32 = data[used]
            size: u64 = self.sizes[kind]
            if size == 0:
                self.reason = self.refusals[kind]
                break
            if n_bytes - used < size:
                break
            if kind < HEARTBEAT:
                c: cython.pointer[Command] = cython.cast(
                    cython.pointer[Command], slots + ((place + self.written) & mask) * cython.sizeof(Command)
                )
                self.start(c, kind, owner, timestamp)
                self._fill(s, owner, data + used, c, now_ns)
                self.written += 1
            elif kind == LOGOUT:
                self.reason = CLIENT_LOGOUT
            used += size
            if self.reason != NO_REASON or s.waits_for > before:
                break
        return used

    def decoded(self, data, owner=1, now_ns=0, goes_on=False):
        """The same for Python: (commands as an array, bytes used, reason). Timestamps are 0.

        A new session each time, unless it ``goes_on``: its throttle then remembers the calls before. No mass cancel is
        waited for.
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
            # the mask lets every place stand for itself
            n_bytes: u64 = self.decode(
                cython.address(self.session), owner, cython.address(view[used]), len(data) - used, slots, written,
                NO_MASK, now_ns, 0,
            )  # fmt: skip
            used += n_bytes
            written += self.written
            more = n_bytes != 0 and used < cython.cast(u64, len(data)) and self.reason == NO_REASON
        return commands[:written], used, self.reason

    def start(self, c, kind, owner, timestamp):
        """The head of a command, and a body of zeros."""
        self.sequence += 1
        c.sequence = self.sequence
        c.timestamp = timestamp
        c.session = c.owner = owner
        c.length = 40
        c.reserved = 0
        c.type = kind
        c.side = c.time_in_force = c.flags = 0
        c.instrument = c.tag = 0
        c.order_id = c.quantity = 0
        c.price = 0

    def _fill(self, s, owner, message, c, now_ns):
        """The body of a command from a message of its type. What is wrong with it turns it into a refusal."""
        reason: u32 = NONE
        if c.type == NEW_ORDER or c.type == REPLACE_ORDER:
            self._fill_new(cython.cast(cython.pointer[cython.const[NewOrder]], message), c)
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
            self._note_refusal(s, now_ns)
        elif c.order_id >> ORDER_ID_SHIFT != 0:
            reason = INVALID_ORDER_ID
        if reason != NONE:
            c.type = GATEWAY_REJECT
            c.flags = reason
            self.refused += 1
        else:
            c.order_id |= cython.cast(u64, owner) << ORDER_ID_SHIFT
            if c.type == MASS_CANCEL:
                c.tag = FIRST_PART
                s.waits_for = c.sequence
            if c.type == OPEN_ORDERS:
                c.quantity |= cython.cast(u64, owner) << ORDER_ID_SHIFT

    def _fill_new(self, m, c):
        c.side = m.side
        c.time_in_force = m.time_in_force
        c.flags = m.flags
        c.instrument = m.instrument
        c.order_id = m.order_id
        c.price = m.price
        c.quantity = m.quantity
        c.tag = m.tag

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

    def _note_refusal(self, s, now_ns):
        """The throttle refused a command. Too many of those end the session, those of the owner's last one counted."""
        if now_ns > s.refused_ns + PEACE_NS:
            s.refused = 0
        s.refused += 1
        s.refused_ns = now_ns
        if s.refused > self.most_refused:
            self.reason = THROTTLE_EXCEEDED
