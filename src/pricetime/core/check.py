"""Checks every invariant of the books, for tests and debugging.

It is slow: it trusts only the records and walks all of them.
"""

from __future__ import annotations

from typing import Any

import cython

from pricetime.core.book import Books

if not cython.compiled:  # the compiled form has them from check.pxd
    from pricetime.core.book import key_of, place_of
    from pricetime.core.check_venue import check_extras, check_venue
    from pricetime.core.layout import *


def check_books(books: Books, may_cross: cython.bint = False) -> cython.int:
    """Raises AssertionError naming the first invariant that does not hold. O(orders + levels + table sizes).

    ``may_cross``: the best bid need not be below the best ask.
    """
    seen_orders: dict[Any, Any] = {}  # slot -> how many were seen before it, so that it says who is ahead at a level
    seen_levels: dict[Any, Any] = {}  # level -> its place
    seen_nodes: set[Any] = set()
    seen = (seen_orders, seen_levels, seen_nodes)
    index: u32
    for index in range(books.book_count):
        book: cython.pointer[Book] = cython.address(books.books[index])
        before = len(seen_orders)
        side: u32
        for side in range(BID, ASK + 1):
            _check_side(books, cython.address(book.ladders[side - 1]), side, AT_LEVEL, seen)
            _check_side(books, cython.address(book.venue.stops[side - 1]), side, AT_TRIGGER, seen)
            _check_side(books, cython.address(book.venue.whole[side - 1]), side, FOR_WHOLE, seen)
            if not book.older_rules:
                _check_prices(books, book, side)
        _check_queues(books, book, seen_orders)
        _check_phase(books, book)
        if not (may_cross or book.venue.collecting):
            _check_uncrossed(book)
        _check_ids(books, book, len(seen_orders) - before)
        check_venue(books, book, [slot for slot, number in seen_orders.items() if number >= before])
    _check_owner_lists(books, seen_orders)
    _check_pools(books, seen_orders, seen_levels, seen_nodes)
    check_extras(books, seen_orders)
    return 0


def _check_side(
    books: Books, ladder: cython.pointer[Ladder], side: u32, place: u32, seen: tuple[Any, Any, Any]
) -> cython.int:
    """The levels of one side in one place, and their orders."""
    seen_orders, seen_levels, seen_nodes = seen
    levels = _check_tree(books, ladder, seen_nodes)
    _check_ladder(books, ladder, side, levels)
    for level in levels:
        must(level not in seen_levels, f"level {level} is in one place")
        must(books.levels[level].place == place, f"level {level} knows its place")
        seen_levels[level] = place
        _check_level(books, level, seen_orders)
        must(books.levels[level].count > 0, f"level {level} has orders and counts them")
        total: u64 = 0
        slot: u32 = books.levels[level].head
        while slot != NIL:
            total += books.extras[slot].hidden if place == AT_LEVEL else 0
            slot = books.orders[slot].next
        must(books.hidden[level] == total, f"level {level} adds up what its orders hide")
    return 0


def _check_queues(books: Books, book: cython.pointer[Book], seen_orders: dict[Any, Any]) -> cython.int:
    """The queues of a book, which are levels without a ladder."""
    number: u32
    for number in range(cython.cast(u32, QUEUES)):
        queue: u32 = book.venue.queues[number]
        must(queue >= books.first_queue, f"queue {queue} is behind the pool of levels")
        place = (IN_CALL, FOR_OPEN, FOR_CLOSE)[number // 2]
        must(books.levels[queue].place == place, f"queue {queue} knows its place")
        must(books.levels[queue].side == (ASK if number % 2 else BID), f"queue {queue} knows its side")
        must(books.hidden[queue] == 0, f"queue {queue} adds up nothing that is hidden")
        _check_level(books, queue, seen_orders)
    return 0


def _check_phase(books: Books, book: cython.pointer[Book]) -> cython.int:
    must(book.phase < books.phase_count, "a book is in a phase of the table")
    row: cython.pointer[PhaseRule] = cython.address(books.phases[book.phase])
    rule = (book.rule.accepts, book.rule.matches, book.rule.collects, book.rule.reason, book.rule.auction)
    same = rule == (row.accepts, row.matches, row.collects, row.reason, row.auction)
    must(same, "the rule of a book is that of its phase")
    must(book.venue.collecting or not book.rule.collects, "a book in a call phase has collected orders")
    must(not (book.venue.collecting and book.rule.matches), "a book that has collected orders does not match")
    return 0


def must(holds: Any, what: str) -> None:
    if not holds:
        raise AssertionError(f"broken: {what}")


def _check_tree(books: Books, ladder: cython.pointer[Ladder], seen_nodes: set[Any]) -> list[Any]:
    """The radix tree of one side: its levels, best first."""
    levels: list[Any] = []
    if ladder.root != NIL:
        must(books.nodes[ladder.root].parent == NIL, "the root has no parent")
        _check_node(books, ladder.root, seen_nodes, levels)
    place: u64
    for place in range(cython.cast(u64, LEAF_CACHE)):
        leaf: u32 = ladder.leaves[place]
        if leaf != NIL:
            must(leaf in seen_nodes and books.nodes[leaf].shift == 0, "a remembered leaf is a leaf of the tree")
            must(books.nodes[leaf].prefix % LEAF_CACHE == place, "a remembered leaf is at its place")
    return levels


def _check_node(books: Books, node: u32, seen_nodes: set[Any], levels: list[Any]) -> cython.int:
    here: cython.pointer[Node] = cython.address(books.nodes[node])
    must(node not in seen_nodes, f"node {node} is in one place")
    seen_nodes.add(node)
    must(here.map != 0, "a node has a child")
    must(here.shift == 0 or here.map & (here.map - 1) != 0, "a branch has two children: chains are compressed")
    must(here.shift % 6 == 0 and here.shift <= 60, "a node is over six bits of the place")
    digit: cython.int
    for digit in range(63, -1, -1):
        if here.map >> digit & 1 == 0:
            continue
        child: u32 = here.children[digit]
        place = here.prefix << 6 | digit
        if here.shift == 0:
            must(place_of(books.levels[child].key) == place, f"level {child} hangs where its key says")
            levels.append(child)
        else:
            must(books.nodes[child].parent == node, f"node {child} knows its parent")
            must(books.nodes[child].shift < here.shift, "a child is over lower bits")
            above = books.nodes[child].prefix >> (here.shift - books.nodes[child].shift - 6)
            must(above == place, f"node {child} hangs where its prefix says")
            _check_node(books, child, seen_nodes, levels)
    return 0


def _check_ladder(books: Books, ladder: cython.pointer[Ladder], side: u32, levels: list[Any]) -> cython.int:
    must(ladder.levels == len(levels), "a side counts its levels")
    must(ladder.best == (levels[0] if levels else NIL), "the best level is the one with the largest key")
    must(not levels or ladder.best_key == books.levels[ladder.best].key, "the best key is that of the best level")
    walked: list[Any] = []
    last: i64 = 0
    level: u32 = ladder.best
    while level != NIL:
        key: i64 = books.levels[level].key
        must(not walked or key < last, "keys fall along a side")
        last = key
        must(books.levels[level].side == side, f"level {level} knows its side")
        must(books.level_at(ladder, key) == level, f"level {level} is found by its key")
        walked.append(level)
        level = books.level_behind(ladder, level)
    must(walked == levels, "a walk from the best meets every level in order")
    return 0


def _check_level(books: Books, level: u32, seen_orders: dict[Any, Any]) -> cython.int:
    queue: cython.pointer[Level] = cython.address(books.levels[level])
    count = quantity = 0
    slot: u32 = queue.head
    before: u32 = NIL
    while slot != NIL:
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        must(slot not in seen_orders, f"order {slot} is in one queue")
        seen_orders[slot] = len(seen_orders)
        must(order.level == level, f"order {slot} knows its level")
        must(order.prev == before, f"order {slot} knows the one ahead of it")
        must(0 < order.remaining < 1 << 63, f"order {slot} has a quantity")
        count += 1
        quantity = quantity + order.remaining
        before = slot
        slot = order.next
    must(queue.tail == before, f"level {level} knows its last order")
    must(queue.count == count, f"level {level} has orders and counts them")
    must(queue.place != AT_LEVEL or quantity < 1 << 64, f"level {level} has less than 2**64 lots")
    must(queue.quantity == quantity & ((1 << 64) - 1), f"level {level} adds up their quantities")
    return 0


def _check_prices(books: Books, book: cython.pointer[Book], side: u32) -> cython.int:
    ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
    level: u32 = ladder.best
    while level != NIL:
        price: i64 = key_of(side, books.levels[level].key)
        must(0 <= int(price) - int(book.low_price) <= int(book.band), "prices are in the band of their instrument")
        level = books.level_behind(ladder, level)
    return 0


def _check_uncrossed(book: cython.pointer[Book]) -> cython.int:
    bids: cython.pointer[Ladder] = cython.address(book.ladders[0])
    asks: cython.pointer[Ladder] = cython.address(book.ladders[1])
    if bids.best != NIL and asks.best != NIL:
        must(bids.best_key < ~asks.best_key, "the best bid is below the best ask")
    return 0


def _check_ids(books: Books, book: cython.pointer[Book], resting: u64) -> cython.int:
    """The id table finds each order of the book and holds nothing else."""
    must(book.count == resting, "a book counts its orders")
    must(resting <= book.order_limit or book.older_rules, "a book keeps them within its limit")
    must(2 * resting <= book.id_entries <= book.id_most, "an id table is at most half full")
    must(book.id_shift == books._id_shift(book), "the homes are as many as the entries")
    must(book.id_room == (0 if book.id_moved != 0 else books._id_room(book)), "an id table knows its room")
    must(book.id_moved != 0 or resting <= book.id_room, "an id table without room grows")
    entries = 0
    position: u64
    for position in range(book.id_entries + book.id_entries // 2 + 1):
        slot: u32 = book.ids[position].slot
        if slot != NIL:
            entries += 1
            must(books.find(book, books.orders[slot].id) == slot, f"order {slot} is found by its id")
    must(entries == resting, "the id table has one entry for each order")
    return 0


def _check_owner_lists(books: Books, seen_orders: dict[Any, Any]) -> cython.int:
    """Each order that has an owner is in the owner's list, once, in the order in which they joined their levels."""
    listed: set[Any] = set()
    hashed: set[Any] = set()
    owner: u32
    for owner in range(books.owner_limit):
        _check_owner_list(books, owner, owner, seen_orders, listed)
    walked = sum(books.owner_lists[owner].walked for owner in range(books.owner_limit))
    must(books.walk_count == walked, "the unfinished mass cancels are counted")
    due = {slot for slot in seen_orders if books.orders[slot].owner != 0}
    for owner in sorted({books.orders[slot].owner for slot in due}):
        if owner >= books.owner_limit:
            owned = books._owner_list(owner)
            must(owned >= max(1, books.owner_limit), f"owner {owner} has a list")
            must(books.owner_lists[owned].owner == owner, f"the list of owner {owner} is its own")
            must(not books.owner_lists[owned].walked, f"a mass cancel of owner {owner} was executed whole")
            hashed.add(owned)
            _check_owner_list(books, owned, owner, seen_orders, listed)
    must(listed == due, "the orders that have owners are in their lists, and no others")
    must(books.owner_list_count == len(hashed), "the lists that are found by hash are counted")
    free: set[Any] = set()
    slot: u32 = books.free_owner_list
    while slot != NIL:
        must(slot not in free and slot not in hashed, f"owner list {slot} is free once")
        free.add(slot)
        slot = books.owner_lists[slot].head
    must(free | hashed == set(range(max(1, books.owner_limit), books.fresh_owner_list)), "no owner list is lost")
    return 0


def _check_owner_list(
    books: Books, owned: u32, owner: u32, seen_orders: dict[Any, Any], listed: set[Any]
) -> cython.int:
    orders: cython.pointer[OwnerList] = cython.address(books.owner_lists[owned])
    last_seen: dict[Any, Any] = {}  # level -> the order of it that came last
    first_listed = len(listed)
    places: dict[Any, Any] = {NIL: 0}  # slot -> its place in the list
    before: u32 = NIL
    slot: u32 = orders.head
    while slot != NIL:
        link: cython.pointer[OwnerLink] = cython.address(books.owner_links[slot])
        must(slot not in listed, f"order {slot} is in one owner's list, once")
        listed.add(slot)
        places[slot] = len(places)
        must(slot in seen_orders and books.orders[slot].owner == owner, f"order {slot} rests and is of owner {owner}")
        must(link.list == owned, f"order {slot} knows the list of its owner")
        must(link.prev == before, f"order {slot} knows the older one of its owner")
        book: cython.pointer[Book] = books.book_of(link.instrument)
        found: u32 = books.find(book, books.orders[slot].id) if book else NIL
        must(found == slot, f"order {slot} knows its instrument")
        level = books.orders[slot].level
        must(last_seen.get(level, -1) < seen_orders[slot], f"order {slot} came after those ahead of it")
        last_seen[level] = seen_orders[slot]
        before = slot
        slot = link.next
    must(orders.tail == before, f"owner {owner} knows the newest order")
    must(orders.count == len(listed) - first_listed, f"owner {owner} counts the orders")
    if orders.walked:
        walk: cython.pointer[Walk] = cython.address(books.walks[owned])
        must(walk.next in places and walk.side <= ASK, f"owner {owner} has an order that is cancelled next")
        if walk.next != NIL:
            must(places.get(walk.last, 0) >= places[walk.next], f"owner {owner} has one that is cancelled last")
    return 0


def _check_pools(
    books: Books, seen_orders: dict[Any, Any], seen_levels: dict[Any, Any], seen_nodes: set[Any]
) -> cython.int:
    """Every slot that was ever used is either in use or in the list of free ones, once."""
    free: set[Any] = set()
    slot: u32 = books.free_order
    while slot != NIL:
        must(slot not in free and slot not in seen_orders, f"slot {slot} is free once")
        free.add(slot)
        slot = books.orders[slot].next
    must(books.order_count == len(seen_orders) <= books.capacity, "the orders in use are counted")
    must(free | set(seen_orders) == set(range(1, books.fresh_order)), "no order slot is lost")

    free = set()
    slot = books.free_level
    while slot != NIL:
        must(slot not in free and slot not in seen_levels, f"level {slot} is free once")
        free.add(slot)
        slot = books.levels[slot].head
    rests = sum(place == AT_LEVEL for place in seen_levels.values())
    must(books.level_count == rests <= books.level_capacity, "the levels in use are counted")
    must(books.waiting_levels == len(seen_levels) - rests, "the levels of waiting orders are counted")
    must(all(books.hidden[level] == 0 for level in free), "a free level hides nothing")
    must(free | set(seen_levels) == set(range(1, books.fresh_level)), "no level is lost")

    free = set()
    slot = books.free_node
    while slot != NIL:
        must(slot not in free and slot not in seen_nodes, f"node {slot} is free once")
        free.add(slot)
        slot = books.nodes[slot].parent
    must(books.node_count == len(seen_nodes), "the nodes in use are counted")
    must(free | seen_nodes == set(range(1, books.fresh_node)), "no node is lost")
    return 0
