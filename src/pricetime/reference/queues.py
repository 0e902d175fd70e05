"""The data of the reference book, a dict of deques for each side, and its queries."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from itertools import count

from .. import checks, errors, types
from ..types import Instruction, Side
from .records import Ladder, Order


class Queues:
    """The resting orders: a queue at each price of each side, first in, first out. Capacities of None mean no limit."""

    def __init__(self, capacity: int | None, level_capacity: int | None) -> None:
        self.capacity = capacity
        self.level_capacity = level_capacity
        self.levels: dict[Side, Ladder] = {Side.BID: {}, Side.ASK: {}}
        self.stops: dict[Side, Ladder] = {Side.BID: {}, Side.ASK: {}}  #: by trigger price
        self.market_orders: dict[Side, Ladder] = {Side.BID: {}, Side.ASK: {}}  #: of a call phase, all at 0
        #: orders that wait for their auction, all at 0
        self.for_auction: dict[Instruction, Ladder] = {Instruction.AT_THE_OPEN: {}, Instruction.AT_THE_CLOSE: {}}
        self.special: dict[Side, Ladder] = {Side.BID: {}, Side.ASK: {}}  #: all-or-none orders, by price
        self.by_id: dict[int, Order] = {}
        self.entries = count(1)  # books of one engine share it
        self.open_orders: Counter[int] = Counter()  #: by owner; books of one engine share it

    @property
    def best_bid(self) -> int | None:
        return max(self.levels[Side.BID], default=None)

    @property
    def best_ask(self) -> int | None:
        return min(self.levels[Side.ASK], default=None)

    def order(self, order_id: int) -> types.Order:
        o = self._find(checks.order_id(order_id), None)
        return types.Order(o.id, o.side, o.price, o.quantity, o.timestamp, o.owner)

    def orders(self, side: int, price: int) -> tuple[types.Order, ...]:
        side = checks.side(side)
        price = checks.price(price)
        return tuple(seen(o) for o in self.levels[side].get(price, ()))

    def depth(self, levels: int | None = 10) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """Price, quantity and number of orders of the best levels, all for None: bids, asks."""
        levels = levels if levels is None else checks.levels(levels)
        bids, asks = ([(p, sum(o.shown for o in q), len(q)) for p, q in self._queues(s)][:levels] for s in Side)
        return bids, asks

    def queue_position(self, order_id: int) -> types.QueuePosition:
        order = self._find(checks.order_id(order_id), None)
        queue = order.ladder[order.key]
        ahead = list(queue)[: queue.index(order)]
        return types.QueuePosition(len(ahead), sum(o.shown for o in ahead))

    def digest(self) -> int:
        """A u64 over what the market can see: side, price, id and open quantity of every order, in priority order."""
        value = 0
        for side in Side:
            value = mix(value, side)
            for price, queue in self._queues(side):
                for order in queue:
                    for part in (price, order.id, order.shown):
                        value = mix(value, part)
        return value

    def full_digest(self) -> int:
        """A u64 over all orders: the digest, then hidden quantities, and the orders that wait, in their order."""
        value = self.digest()
        for order in sorted(self.by_id.values(), key=lambda order: order.entered):
            for part in (order.id, order.quantity, order.hidden, order.trigger_price, order.waits, order.expiry_ns):
                value = mix(value, part)
        return value

    def __len__(self) -> int:
        return len(self.by_id)

    def __bool__(self) -> bool:
        return True  # a book without an order is a book

    def __contains__(self, order_id: object) -> bool:
        try:
            return checks.order_id(order_id) in self.by_id
        except errors.InvalidOrderId:
            return False

    def __iter__(self) -> Iterator[types.Order]:
        return (seen(o) for side in Side for _, queue in self._queues(side) for o in queue)

    # ---------------------------------------------------------------- inside

    def _queues(self, side: Side) -> Iterator[tuple[int, deque[Order]]]:
        """The levels of one side, best price first."""
        return iter(sorted(self.levels[side].items(), reverse=side is Side.BID))

    def _find(self, order_id: int, owner: int | None) -> Order:
        order = self.by_id.get(order_id)
        if order is None:
            raise errors.UnknownOrder(f"no order {order_id} is resting")
        if owner is not None and owner != order.owner:
            raise errors.UnknownOrder(f"no order {order_id} of owner {owner} is resting")
        return order

    def _check_room(self, ladder: Ladder, key: int, quantity: int, leaving: Order | None = None) -> None:
        """Raise if an order has no room here, once the order that it replaces has left its level."""
        queue = ladder.get(key)
        if queue is None:
            used = sum(map(len, self.levels.values()))
            used -= leaving is not None and len(leaving.ladder[leaving.key]) == 1
            if self.level_capacity is not None and used >= self.level_capacity:
                raise errors.LevelsFull(f"all {self.level_capacity} price levels are taken")
        elif sum(o.quantity for o in queue if o is not leaving) + quantity >= 2**64:
            raise errors.LevelQuantityFull(f"the quantities at {key} would add up to 2**64 or more")

    def _join(self, order: Order, ladder: Ladder, key: int) -> None:
        """Put an order at the back of a queue."""
        order.entered = next(self.entries)
        order.ladder, order.key = ladder, key
        ladder.setdefault(key, deque()).append(order)
        self.by_id[order.id] = order
        self.open_orders[order.owner] += 1

    def _take(self, order: Order, quantity: int, hidden: int = 0) -> None:
        """Take lots from an order, ``hidden`` of them not displayed, and remove it if none are left."""
        order.quantity -= quantity
        order.hidden -= hidden
        if order.quantity == 0:
            self._leave(order)

    def _leave(self, order: Order) -> None:
        """Remove an order."""
        queue = order.ladder[order.key]
        queue.remove(order)
        if not queue:
            del order.ladder[order.key]
        del self.by_id[order.id]
        self.open_orders[order.owner] -= 1

    def _to_the_back(self, order: Order) -> None:
        """Move an order to the back of its queue."""
        order.entered = next(self.entries)
        order.ladder[order.key].remove(order)
        order.ladder[order.key].append(order)


def seen(order: Order) -> types.Order:
    """An order as the market sees it."""
    return types.Order(order.id, order.side, order.price, order.shown, order.timestamp, order.owner)


def mix(value: int, part: int) -> int:
    """One step of the digest: multiply by 2**64 over the golden ratio, fold the high half down."""
    value = ((value ^ (part & 2**64 - 1)) * 0x9E3779B97F4A7C15) & 2**64 - 1
    return value ^ (value >> 32)
