"""``check`` finds what is broken: each record of a sound book is spoilt in turn.

The records can be reached in the uncompiled form only; there they are Python objects.
"""

from collections.abc import Callable
from typing import Any

from pricetime import Engine, Instrument
from pricetime.core import layout as layout_module
from tests.books import ask, bid
from tests.core.spoilt import Row, add, check_is_named, each, itself, put, uncompiled_only

layout: Any = layout_module

pytestmark = uncompiled_only


def sound_books() -> Any:
    """Two books with a tree of some height, levels with several orders, and freed slots, levels and nodes."""
    engine = Engine([Instrument(0, low_price=-(2**63)), Instrument(1)], capacity=40, owner_limit=4)
    for number in (0, 1):
        book = engine.book(number)
        for order_id, price in enumerate((100, 100, 100, 101, 99, -(2**40), -(2**63), 1, 64)):
            bid(book, order_id, price, 5, owner=(order_id + 1) // 2 % 3)
        for order_id, price in enumerate((200, 200, 263, 2**50, 2**63 - 1), start=20):
            ask(book, order_id, price, 5, owner=9)
        for gone in (5, 7, 23):
            book.cancel_order(gone)
    engine.check()
    return engine


def ladder(books: Any) -> Any:
    return books.books[0].ladders[0]


def best(books: Any) -> Any:
    return books.levels[ladder(books).best]


def head(books: Any) -> Any:
    """The first order of the level with three."""
    level = books.level_at(ladder(books), 100)
    return books.orders[books.levels[level].head]


def root(books: Any) -> Any:
    return books.nodes[ladder(books).root]


def leaf(books: Any) -> Any:
    return books.nodes[books._leaf_below(ladder(books), 100 + 2**63)]


def shift_of(value: int) -> Callable[[Any], None]:
    return lambda books: setattr(root(books), "shift", value)


def book(books: Any) -> Any:
    return books.books[0]


def owner_list(books: Any) -> Any:
    """Of owner 1: orders 1 and 2, at one price, and 8 of the first book, then those of the second."""
    return books.owner_lists[1]


def oldest(books: Any) -> Any:
    return books.owner_links[owner_list(books).head]


def hashed(books: Any) -> Any:
    """The list of owner 9, who is not below the owner_limit."""
    return books.owner_lists[books._owner_list(9)]


def lose_a_list(books: Any) -> None:
    books.owner_buckets[books._bucket(9)] = 0


def close_a_ring(books: Any) -> None:
    books.owner_links[owner_list(books).tail].next = owner_list(books).head


def lose_the_oldest(books: Any) -> None:
    owner_list(books).head = oldest(books).next
    oldest(books).prev = 0
    owner_list(books).count -= 1


def age(books: Any) -> None:
    """Let two orders at one price change places in the list of their owner."""
    first = owner_list(books).head
    second = books.owner_links[first].next
    third = books.owner_links[second].next
    owner_list(books).head, books.owner_links[third].prev = second, first
    for slot, before, behind in ((second, 0, first), (first, second, third)):
        books.owner_links[slot].prev, books.owner_links[slot].next = before, behind


def swap_children(books: Any) -> None:
    node = leaf(books)
    node.children[100 & 63], node.children[101 & 63] = node.children[101 & 63], node.children[100 & 63]


def forget_an_id(books: Any) -> None:
    entry = books.books[0].ids[books._position(books.books[0], 0)]
    entry.slot = 0


def name_twice(books: Any) -> None:
    """A second entry for an order, far from the first."""
    table = books.books[0]
    free = next(i for i in range(table.id_entries - 1, 0, -1) if table.ids[i].slot == 0)
    table.ids[free].slot, table.ids[free].tag = 1, 12345


def cross(books: Any) -> None:
    """An ask below the bids, rested as if it crossed nothing."""
    order = layout.Command()
    order.type, order.side, order.price, order.quantity, order.order_id = 1, 2, 50, 1, 99
    books._rest_passive(books.books[0], order, books._position(books.books[0], 99), ~50)


SPOILT: list[Row] = [
    (put(root, "parent", 1), "the root has no parent"),
    (put(leaf, "map", 0), "a node has a child"),
    (shift_of(59), "six bits"),
    (shift_of(66), "six bits"),
    (add(leaf, "prefix", 1), "hangs where its|is found by its key|stands at its place"),
    (put(leaf, "parent", 1), "knows its parent"),
    (swap_children, "hangs where its key says"),
    (add(ladder, "levels", 1), "counts its levels"),
    (put(ladder, "best", 1), "best level"),
    (add(ladder, "best_key", 1), "best key"),
    (lambda books: ladder(books).leaves.__setitem__(5, ladder(books).root), "remembered leaf"),
    (add(best, "side", 1), "knows its side"),
    (add(best, "count", 1), "counts them"),
    (add(best, "quantity", 1), "adds up"),
    (put(best, "tail", 0), "its last order"),
    (add(head, "level", 1), "knows its level"),
    (add(head, "prev", 1), "ahead of it"),
    (put(head, "remaining", 0), "has a quantity"),
    (put(head, "remaining", 1 << 63), "has a quantity"),
    (add(head, "id", 100), "found by its id"),
    (add(book, "count", 1), "counts its orders"),
    (put(book, "order_limit", 3), "within its limit"),
    (forget_an_id, "found by its id|one entry for each order"),
    (name_twice, "found by its id|one entry for each order"),
    (cross, "below the best ask"),
    (put(book, "phase", 7), "in a phase of the table"),
    (put(book, "phase", 1), "is that of its phase"),
    (put(book, "low_price", -(2**62)), "in the band"),
    (put(book, "band", 2**63), "in the band"),
    (close_a_ring, "in one owner's list, once"),
    (lose_the_oldest, "are in their lists, and no others"),
    (put(head, "owner", 2), "are in their lists, and no others"),
    (put(lambda books: books.orders[owner_list(books).head], "owner", 2), "rests and is of owner"),
    (put(owner_list, "head", 39), "rests and is of owner"),
    (put(owner_list, "tail", 1), "knows the newest"),
    (put(oldest, "prev", 1), "knows the older one"),
    (put(oldest, "list", 2), "knows the list of its owner"),
    (add(owner_list, "count", 1), "counts the orders"),
    (lose_a_list, "owner 9 has a list"),
    (put(hashed, "owner", 8), "owner 9 has a list|is its own"),
    (put(hashed, "walked", 1), "was executed whole"),
    (add(itself, "owner_list_count", 1), "found by hash are counted"),
    (add(itself, "fresh_owner_list", 1), "no owner list is lost"),
    (put(itself, "free_owner_list", 9), "no owner list is lost"),
    (put(oldest, "instrument", 1), "knows its instrument"),
    (put(oldest, "instrument", 7), "knows its instrument"),
    (age, "came after those ahead of it"),
    (add(itself, "order_count", 1), "orders in use are counted"),
    (add(itself, "level_count", 1), "levels in use are counted"),
    (add(itself, "node_count", 1), "nodes in use are counted"),
    (put(itself, "free_order", 0), "no order slot is lost"),
    (put(itself, "free_level", 0), "no level is lost"),
    (put(itself, "free_node", 0), "no node is lost"),
    (put(itself, "free_order", 1), "is free once"),
    (put(itself, "free_level", 1), "is free once"),
    (put(itself, "free_node", 1), "is free once"),
    (add(itself, "fresh_order", 1), "no order slot is lost"),
    (add(itself, "fresh_level", 1), "no level is lost"),
    (add(itself, "fresh_node", 1), "no node is lost"),
]


@each(SPOILT)
def test_what_is_broken_is_named(spoil: Callable[[Any], None], broken: str) -> None:
    check_is_named(sound_books(), spoil, broken)
