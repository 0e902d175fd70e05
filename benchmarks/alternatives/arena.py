# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A book without an index of its levels: orders in an arena, queues by index, order ids, matching.

A subclass adds the level index, which is called when a level is looked up, made or emptied, and to find the next one.
Everything else is shared, so that two designs differ only in their index. Instruments, tick and lot sizes and
self-trade prevention are missing: the measured flows do not use them, and a command with self-trade prevention is
rejected. Otherwise the reports are identical to those of the book.
"""

from __future__ import annotations

import cython
from cython.cimports.pricetime.native.memory import release, reserve

from pricetime.types import REPORT


@cython.cclass
class Arena:
    """``capacity`` orders on ``level_capacity`` price levels. Raises MemoryError."""

    def __cinit__(self, capacity: u32, level_capacity: u32):
        n: u64 = capacity
        entries: u64 = 64
        while entries < 2 * n:
            entries *= 2
        self.capacity = capacity
        self.level_capacity = level_capacity
        self.fresh_order = self.fresh_level = 1
        self.id_mask = cython.cast(u32, entries - 1)
        self.id_shift = 32 - (int(entries // 8).bit_length() - 1)
        self.orders = cython.cast(cython.pointer[Order], reserve((n + 1) * cython.sizeof(Order)))
        self.cold = cython.cast(cython.pointer[OrderCold], reserve((n + 1) * cython.sizeof(OrderCold)))
        self.ids = cython.cast(cython.pointer[IdEntry], reserve(entries * cython.sizeof(IdEntry)))
        n = level_capacity
        self.levels = cython.cast(cython.pointer[Level], reserve((n + 1) * cython.sizeof(Level)))
        if not (self.orders and self.cold and self.ids and self.levels):
            raise MemoryError(f"no room for {capacity} orders and {level_capacity} levels")

    def __dealloc__(self):
        n: u64 = self.capacity
        release(self.orders, (n + 1) * cython.sizeof(Order))
        release(self.cold, (n + 1) * cython.sizeof(OrderCold))
        n = self.id_mask
        release(self.ids, (n + 1) * cython.sizeof(IdEntry))
        n = self.level_capacity
        release(self.levels, (n + 1) * cython.sizeof(Level))

    # ------------------------------------------------------------------ from Python

    def apply(self, commands):
        """Execute commands (COMMAND, shape (n,)); return reports (REPORT) like ``OrderBook.apply``."""
        count: u64 = len(commands)
        self.make_room(count)
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
        with cython.nogil:
            self.run(first, count)
        return self.block.array(REPORT, self.report_count)

    def make_room(self, commands):
        """Make room for the reports of this many commands, not shared with an array. Raises MemoryError."""
        bound: u64 = REPORTS_PER_COMMAND * commands + REPORTS_PER_MAKER * (self.order_count + commands)
        n_bytes: u64 = bound * cython.sizeof(Report)
        if self.block is None or self.block.in_use() or self.block.n_bytes < n_bytes:
            self.block = None
            self.block = Block(n_bytes + n_bytes // 2)
        self.reports = cython.cast(cython.pointer[Report], self.block.memory)
        self.report_count = 0
        return 0

    def __len__(self):
        return self.order_count

    # ------------------------------------------------------------------ the index of levels, in a subclass

    def level_at(self, side, key):
        return NIL

    def level_behind(self, side, key):
        return NIL

    def enter(self, side, key, level):
        pass

    def leave(self, side, key):
        pass

    def index_bytes(self):
        return 0

    # ------------------------------------------------------------------ commands

    def run(self, commands, count):
        i: u64
        for i in range(count):
            self.execute(cython.address(commands[i]))

    def execute(self, c):
        if c.type == NEW_ORDER:
            self._new_order(c)
        elif c.type == CANCEL_ORDER:
            self._cancel_order(c)
        elif c.type == REDUCE_ORDER:
            self._reduce_order(c)
        elif c.type == REPLACE_ORDER:
            self._replace_order(c, c.owner, c.order_id)
        elif c.type == REPLACE_ORDER_AS:
            self._replace_order(c, 0, c.owner | (cython.cast(u64, c.tag) << 32))
        else:
            self._reject(c, UNKNOWN_COMMAND)

    def _new_order(self, c):
        reason: u32 = self._refuse_order(c)
        if reason != NONE:
            self._reject(c, reason)
            return
        side: u32 = c.side - BID
        key: i64 = key_of(c.side, c.price)
        limit: i64 = ~key
        if c.order_type == MARKET:
            limit = cython.cast(i64, cython.cast(u64, 1) << 63)
        rests: cython.bint = may_rest(c.order_type, c.time_in_force)
        crosses: cython.bint = self._crosses(side, limit)
        level: u32 = NIL
        if rests:
            if crosses and c.instructions & POST_ONLY:
                reason = WOULD_CROSS
            elif self.order_count == self.capacity:
                reason = ORDERS_FULL
            else:
                # An order that crosses has no level of its own yet: it would have crossed the other side before.
                level = NIL if crosses else self.level_at(side, key)
                if level == NIL:
                    if self.level_counts[0] + self.level_counts[1] == self.level_capacity:
                        reason = LEVELS_FULL
                elif self.levels[level].quantity + c.quantity < c.quantity:
                    reason = LEVEL_QUANTITY_FULL
            if reason != NONE:
                self._reject(c, reason)
                return
        self._report_new(c)
        left: u64 = c.quantity
        if c.time_in_force == FOK and not self._can_fill(side, limit, left):
            self._report(CANCELLED, c.side, FOK_UNFILLABLE, c.order_id, 0, c.price, left)
            return
        if crosses:
            left = self._match(side, c.order_id, limit, left)
        if left == 0:
            return
        if rests:
            self._rest(c, left, level)
        elif c.order_type == MARKET:
            self._report(CANCELLED, c.side, MARKET_REMAINDER, c.order_id, 0, 0, left)
        else:
            self._report(CANCELLED, c.side, IOC_REMAINDER, c.order_id, 0, c.price, left)

    def _rest(self, c, quantity, level):
        slot: u32 = self.free_order
        if slot != NIL:
            self.free_order = self.orders[slot].next
        else:
            slot = self.fresh_order
            self.fresh_order += 1
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        order.id = c.order_id
        order.remaining = quantity
        order.owner = c.owner
        cold: cython.pointer[OrderCold] = cython.address(self.cold[slot])
        cold.timestamp = c.timestamp
        cold.tag = c.tag
        cold.self_trade = c.flags
        cold.instructions = c.instructions
        self.order_count += 1
        self._name(c.order_id, slot)
        self._append(c.side - BID, key_of(c.side, c.price), level, slot)

    def _cancel_order(self, c):
        slot: u32 = self._find_owned(c, c.owner)
        if slot == NIL:
            self._reject(c, UNKNOWN_ORDER)
            return
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        level: cython.pointer[Level] = cython.address(self.levels[order.level])
        price: i64 = key_of(level.side, level.key)
        self._report(CANCELLED, level.side, NONE, c.order_id, 0, price, order.remaining)
        self._remove(slot)

    def _reduce_order(self, c):
        if c.quantity == 0 or c.quantity >> 63 != 0:
            self._reject(c, INVALID_QUANTITY)
            return
        slot: u32 = self._find_owned(c, c.owner)
        if slot == NIL:
            self._reject(c, UNKNOWN_ORDER)
            return
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        level: cython.pointer[Level] = cython.address(self.levels[order.level])
        by: u64 = min(c.quantity, order.remaining)
        self._report(REDUCED, level.side, NONE, c.order_id, 0, key_of(level.side, level.key), by)
        if by == order.remaining:
            self._remove(slot)
        else:
            order.remaining -= by
            level.quantity -= by

    def _replace_order(self, c, owner, new_id):
        reason: u32 = NONE
        slot: u32 = NIL
        if c.quantity == 0 or c.quantity >> 63 != 0:
            reason = INVALID_QUANTITY
        else:
            slot = self._find_owned(c, owner)
            if slot == NIL:
                reason = UNKNOWN_ORDER
            elif new_id != c.order_id and self._find(new_id) != NIL:
                reason = DUPLICATE_ORDER_ID
        if reason != NONE:
            self._reject(c, reason)
            return
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        level: cython.pointer[Level] = cython.address(self.levels[order.level])
        side: u32 = level.side - BID
        key: i64 = key_of(level.side, c.price)
        keeps: cython.bint = key == level.key and c.quantity <= order.remaining
        if self.cold[slot].instructions & POST_ONLY and self._crosses(side, ~key):
            reason = WOULD_CROSS
        elif not keeps:
            reason = self._refuse_move(slot, side, key, c.quantity)
        if reason != NONE:
            self._reject(c, reason)
            return
        if new_id != c.order_id:
            self._forget(c.order_id)
            order.id = new_id
            self._name(new_id, slot)
        self._report(REPLACED, level.side, KEPT_PLACE if keeps else NONE, new_id, c.order_id, c.price, c.quantity)
        if keeps:
            level.quantity -= order.remaining - c.quantity
            order.remaining = c.quantity
        else:
            self._move_order(slot, side, key, c.quantity)

    def _move_order(self, slot, side, key, quantity):
        """Remove a resting order from its level and enter it again: it may trade before it rests."""
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        self._unlink(slot)
        order.remaining = self._match(side, order.id, ~key, quantity)
        if order.remaining != 0:
            self._append(side, key, self.level_at(side, key), slot)
            return
        self._forget(order.id)
        order.next = self.free_order
        self.free_order = slot
        self.order_count -= 1

    # ------------------------------------------------------------------ rejections

    def _refuse_order(self, c):
        if c.side != BID and c.side != ASK:
            return INVALID_SIDE
        reason: u32 = refuse_terms(c.order_type, c.time_in_force, c.instructions)
        if reason != NONE:
            return reason
        if c.flags > OFF:
            return INVALID_SELF_TRADE
        if c.quantity == 0 or c.quantity >> 63 != 0:
            return INVALID_QUANTITY
        if self._find(c.order_id) != NIL:
            return DUPLICATE_ORDER_ID
        return NONE

    def _refuse_move(self, slot, side, key, quantity):
        """Return True if there is room at its new level once the order has left its old one."""
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        old: cython.pointer[Level] = cython.address(self.levels[order.level])
        level: u32 = self.level_at(side, key)
        if level == NIL:
            used: u32 = self.level_counts[0] + self.level_counts[1] - (old.count == 1)
            return LEVELS_FULL if used == self.level_capacity else NONE
        held: u64 = self.levels[level].quantity
        if level == order.level:
            held -= order.remaining
        return LEVEL_QUANTITY_FULL if held + quantity < quantity else NONE

    def _reject(self, c, reason):
        self._report(REJECTED, c.side, reason, c.order_id, 0, c.price, c.quantity)

    # ------------------------------------------------------------------ matching

    def _crosses(self, side, limit):
        """Return True if an order of this side, taking keys of the other down to ``limit``, meets one."""
        best: u32 = self.best[1 - side]
        return best != NIL and self.levels[best].key >= limit

    def _can_fill(self, side, limit, quantity):
        level: u32 = self.best[1 - side]
        while level != NIL and self.levels[level].key >= limit:
            if self.levels[level].quantity >= quantity:
                return True
            quantity -= self.levels[level].quantity
            level = self.level_behind(1 - side, self.levels[level].key)
        return False

    def _match(self, side, taker_id, limit, quantity):
        """Match; return the remaining quantity of the taker."""
        while quantity != 0 and self._crosses(side, limit):
            index: u32 = self.best[1 - side]
            level: cython.pointer[Level] = cython.address(self.levels[index])
            slot: u32 = level.head
            maker: cython.pointer[Order] = cython.address(self.orders[slot])
            size: u64 = min(quantity, maker.remaining)
            self._report(TRADE, side + BID, NONE, taker_id, maker.id, key_of(level.side, level.key), size)
            quantity -= size
            if size == maker.remaining:
                self._remove(slot)
            else:
                maker.remaining -= size
                level.quantity -= size
        return quantity

    # ------------------------------------------------------------------ orders at their level

    def _append(self, side, key, level, slot):
        """Append an order to a level, which is made if it is NIL."""
        if level == NIL:
            level = self._make_level(side, key)
        at: cython.pointer[Level] = cython.address(self.levels[level])
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        order.level = level
        order.next = NIL
        order.prev = at.tail
        if at.tail != NIL:
            self.orders[at.tail].next = slot
        else:
            at.head = slot
        at.tail = slot
        at.count += 1
        at.quantity += order.remaining

    def _make_level(self, side, key):
        level: u32 = self.free_level
        if level != NIL:
            self.free_level = self.levels[level].head
        else:
            level = self.fresh_level
            self.fresh_level += 1
        at: cython.pointer[Level] = cython.address(self.levels[level])
        at.key = key
        at.side = side + BID
        at.quantity = at.count = at.head = at.tail = 0
        self.level_counts[side] += 1
        if self.best[side] == NIL or key > self.levels[self.best[side]].key:
            self.best[side] = level
        self.enter(side, key, level)
        return level

    def _unlink(self, slot):
        """Remove an order from its level, and the level if it is empty."""
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        index: u32 = order.level
        level: cython.pointer[Level] = cython.address(self.levels[index])
        if order.prev != NIL:
            self.orders[order.prev].next = order.next
        else:
            level.head = order.next
        if order.next != NIL:
            self.orders[order.next].prev = order.prev
        else:
            level.tail = order.prev
        level.quantity -= order.remaining
        level.count -= 1
        if level.count != 0:
            return
        side: u32 = level.side - BID
        self.level_counts[side] -= 1
        self.leave(side, level.key)
        if self.best[side] == index:
            self.best[side] = self.level_behind(side, level.key)
        level.head = self.free_level
        self.free_level = index

    def _remove(self, slot):
        self._unlink(slot)
        self._forget(self.orders[slot].id)
        self.orders[slot].next = self.free_order
        self.free_order = slot
        self.order_count -= 1

    # ------------------------------------------------------------------ the order-id table

    def _find(self, order_id):
        return self.ids[self._position(order_id)].slot

    def _find_owned(self, c, owner):
        slot: u32 = self._find(c.order_id)
        return NIL if owner != 0 and owner != self.orders[slot].owner else slot

    def _tag(self, order_id):
        """A hash that keeps eight consecutive ids adjacent: its low three bits are those of the id."""
        multiplier: u64 = 0x9E3779B97F4A7C15
        return cython.cast(u32, ((order_id >> 3) * multiplier) >> 35 << 3) | cython.cast(u32, order_id & 7)

    def _home(self, tag):
        return ((tag >> self.id_shift) << 3) | (tag & 7)

    def _position(self, order_id):
        """Return the entry of an id, or the free entry where it belongs."""
        tag: u32 = self._tag(order_id)
        position: u32 = self._home(tag)
        while self.ids[position].slot != NIL and (
            self.ids[position].tag != tag or self.orders[self.ids[position].slot].id != order_id
        ):
            position = (position + 1) & self.id_mask
        return position

    def _name(self, order_id, slot):
        position: u32 = self._position(order_id)
        self.ids[position].tag = self._tag(order_id)
        self.ids[position].slot = slot

    def _forget(self, order_id):
        """Remove an id. Later entries move up if the gap is between them and their home."""
        gap: u32 = self._position(order_id)
        position: u32 = gap
        while True:
            position = (position + 1) & self.id_mask
            if self.ids[position].slot == NIL:
                break
            home: u32 = self._home(self.ids[position].tag)
            if ((position - home) & self.id_mask) >= ((position - gap) & self.id_mask):
                self.ids[gap] = self.ids[position]
                gap = position
        self.ids[gap].slot = NIL

    # ------------------------------------------------------------------ reports

    def _report(self, kind, side, reason, order_id, maker_id, price, quantity):
        report: cython.pointer[Report] = cython.address(self.reports[self.report_count])
        self.report_count += 1
        self.seq_num += 1
        report.type = EXECUTION_REPORT
        report.kind = kind
        report.side = side
        report.reason = reason
        report.instrument = 0
        report.seq_num = self.seq_num
        report.order_id = order_id
        report.maker_id = maker_id
        report.price = price
        report.quantity = quantity

    def _report_new(self, c):
        price: i64 = 0 if c.order_type == MARKET else c.price
        reason: u32 = NONE if may_rest(c.order_type, c.time_in_force) else NEVER_RESTS
        self._report(ACCEPTED, c.side, reason, c.order_id, 0, price, c.quantity)


def key_of(side, price):
    """Convert a price to a key, or a key to a price: on both sides the largest key is the best."""
    return price if side == BID else ~price
