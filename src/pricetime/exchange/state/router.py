"""Routes each report: to the owner of the order or of the command, a trade to both owners, and to the feed.

In the book an order's id is ``owner << 48 | client's id``, so a report contains its owner. A client sees its own ids;
all others see public references. The feed contains only what everyone may see, numbered without a gap: reports without
hidden lots, none of an order that waits, and only reasons that reveal nothing about an owner. A report that a mass
cancel is unfinished goes only to the event loop.

This runs for every report, so it uses the fields of streams and feed store directly.
"""

from __future__ import annotations

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.state.feed_store import FeedStore
from pricetime.exchange.state.matcher import Matcher
from pricetime.exchange.state.streams import Streams
from pricetime.types import Reason, ReportKind

#: Reasons that the feed shows: they follow from the order itself. Any other reason would reveal what its owner did.
PUBLIC_REASONS = (
    Reason.IOC_REMAINDER,
    Reason.FOK_UNFILLABLE,
    Reason.MARKET_REMAINDER,
    Reason.KEPT_PLACE,
    Reason.NEVER_RESTS,
    Reason.AT_MARKET,
    Reason.PRICED,
    Reason.AUCTION_REMAINDER,
    Reason.MINIMUM_UNFILLABLE,
    Reason.OUTSIDE_RANGE,
    Reason.NO_AUCTION_PRICE,
    Reason.EXPIRY_REACHED,
    Reason.DAY_ENDED,
)

#: Kinds of reports that tell an owner a reference: of its order, or for a trade of the other order.
REFERRING = (
    ReportKind.ACCEPTED,
    ReportKind.TRADE,
    ReportKind.REPLACED,
    ReportKind.OPEN_ORDER,
    ReportKind.AUCTION_TRADE,
)

#: Kinds whose ``maker_id`` is the part of the quantity that is hidden.
HIDING = (ReportKind.ACCEPTED, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED, ReportKind.TRIGGERED)

#: Kinds about one order, which its owner receives even if a different owner sent the command.
OWNING = (*HIDING, ReportKind.TRADE, ReportKind.REPLACED, ReportKind.REFRESHED, ReportKind.HIDDEN)

#: Kinds about an auction, whose ``maker_id`` is the surplus.
STATING = (ReportKind.INDICATIVE, ReportKind.UNCROSSED)


@cython.final
@cython.cclass
class Router:
    """Routes the reports of ``matcher`` to ``streams`` and ``store``. Used by the thread of the matcher only."""

    if not cython.compiled:
        public_reasons = referring = replacing = counts = unfinished = cython.NULL
        hiding = owning = stating = cython.NULL

    def __init__(self, matcher: Matcher, streams: Streams, store: FeedStore) -> None:
        self.matcher = matcher
        self.streams = streams
        self.store = store
        self.taker = 0
        number: cython.int
        for number in range(REASONS):
            self.public_reasons[number] = number if number in PUBLIC_REASONS else Reason.NONE
        for number in range(KINDS):
            self.referring[number] = ALL_BITS if number in REFERRING else 0
            self.replacing[number] = ALL_BITS if number == ReportKind.REPLACED else 0
            self.hiding[number] = ALL_BITS if number in HIDING else 0
            self.owning[number] = ALL_BITS if number in OWNING else 0
            self.stating[number] = ALL_BITS if number in STATING else 0
        self.full = self.unfinished_count = 0
        self.start_counting()

    def start_counting(self) -> None:
        """Reset the counters, because reports of a replay are not reports of this process."""
        self.routed = 0
        i: cython.int
        for i in range(KINDS * REASONS):
            self.counts[i] = 0

    def counted(self) -> dict[tuple[int, int], int]:
        """Number of reports as {(kind, reason): count}, without zeros. Callable from any thread."""
        found = {}
        i: cython.int
        for i in range(KINDS * REASONS):
            if self.counts[i] != 0:
                found[i // REASONS, i % REASONS] = self.counts[i]
        return found

    def step(
        self, commands: cython.pointer[cython.const[Command]], bounds: cython.pointer[cython.const[u64]], count: u64
    ) -> u64:
        """Route the reports of executed commands, at most BATCH. Returns how many are completely routed.

        ``bounds``: see ``Matcher.execute``. It routes fewer if their reports are more than MOST_ROUTED, or if a stream
        has no room: ``full`` is then its owner.
        """
        i: u64 = self.matcher.routed
        block: cython.pointer[Report] = self.matcher.block
        references: cython.pointer[u64] = self.matcher.references
        buyers: cython.pointer[u64] = self.matcher.buyers
        streams: cython.pointer[Stream] = self.streams.streams
        most: u64 = MOST_ROUTED
        last: u64 = min(bounds[count], i + min(most, self.store.capacity // 2))
        self.full = 0
        self.unfinished_count = 0
        self.routed -= i
        self.store.begin(last - i)
        done: u64 = 0
        while done < count:
            if i == bounds[done]:
                # its first report says that it is accepted or replaced, after one that rejects the order before it
                self.taker = references[i + (block[i].kind == REJECTED and i + 1 < bounds[done + 1])]
            owner: u32 = commands[done].session
            s: cython.pointer[Stream] = cython.address(streams[owner])
            end: u64 = min(bounds[done + 1], last)
            while i < end:
                report: cython.pointer[Report] = cython.address(block[i])
                kind: u32 = report.kind
                if is_plain(report, owner) and s.count < s.open_until:
                    self.counts[kind * REASONS + report.reason % REASONS] += 1
                    own: cython.pointer[Report] = self._copy_to(s, report)
                    own.order_id = report.order_id & CLIENTS_ID
                    own.maker_id = references[i] & self.referring[kind]
                    self._to_feed(report, report.quantity, references[i], references[i] & self.replacing[kind])
                elif not self._route(owner, report, references[i], buyers[i] if kind == AUCTION_TRADE else 0):
                    break
                i += 1
            if i < bounds[done + 1]:
                break
            done += 1
        self.matcher.routed = i
        self.routed += i
        self.store.publish()
        return done

    def _copy_to(
        self, s: cython.pointer[Stream], report: cython.pointer[cython.const[Report]]
    ) -> cython.pointer[Report]:
        """Copy a report into a stream that is open, with the next number. Returns the copy."""
        own: cython.pointer[Report] = cython.address(s.reports[s.count & self.streams.mask])
        number: u64 = s.count + 1
        s.count = number
        own[0] = report[0]
        own.seq_num = number
        return own

    def _route(
        self, owner: u32, report: cython.pointer[cython.const[Report]], reference: u64, buyer: u64
    ) -> cython.bint:
        """Route a report that ``step`` has no short way for. False, and nothing done, if a stream has no room.

        ``owner``: of the command. ``buyer``: reference of the buyer in an auction trade.
        """
        kind: u32 = report.kind
        by_order: u32 = report.order_id >> ORDER_ID_SHIFT
        if kind == AUCTION_TRADE or (by_order != 0 and (self.owning[kind % KINDS] != 0 or report.reason == MALFORMED)):
            owner = by_order  # an order of a different owner, or one that a command in the place of its extension ends
        s: cython.pointer[Stream] = cython.address(self.streams.streams[owner])
        if not self._has_room(owner, report):
            return False
        self.counts[(kind % KINDS) * REASONS + report.reason % REASONS] += 1
        if kind == TRIGGERED:
            self.taker = reference
        if report.reason == UNFINISHED and kind == MASS_CANCELLED:
            self.unfinished[self.unfinished_count] = owner
            self.unfinished_count += 1
        elif self._open(owner, s):
            self._to_owner(s, report, reference)
        if kind == TRADE:
            self._to_maker(report, self.taker)
            self._to_feed(report, report.quantity, self.taker, reference)
            return True
        if kind == AUCTION_TRADE:
            self._to_maker(report, buyer)
        if is_public(report):
            self._publish(report, reference, buyer)
        return True

    def _publish(self, report: cython.pointer[cython.const[Report]], reference: u64, buyer: u64) -> None:
        """Write a report to the feed that everyone may see, without hidden lots."""
        kind: u32 = report.kind % KINDS
        quantity: u64 = report.quantity - (report.maker_id & self.hiding[kind])
        if kind == AUCTION_TRADE:
            self._to_feed(report, quantity, buyer, reference)
        elif self.owning[kind] != 0:
            self._to_feed(report, quantity, reference, reference & self.replacing[kind])
        else:
            self._to_feed(report, quantity, 0, report.maker_id & self.stating[kind])

    def _has_room(self, owner: u32, report: cython.pointer[cython.const[Report]]) -> cython.bint:
        """Have the streams of the report's owners room for it? If not, ``full`` is the owner whose stream has none."""
        copies: u64 = 1
        if report.kind == TRADE or report.kind == AUCTION_TRADE:
            maker: u32 = report.maker_id >> ORDER_ID_SHIFT
            if maker == owner:
                copies = 2
            elif not self._can_take(maker, 1):
                return False
        return self._can_take(owner, copies)

    def _can_take(self, owner: u32, copies: u64) -> cython.bint:
        s: cython.pointer[Stream] = cython.address(self.streams.streams[owner])
        if s.count + copies <= s.open_until or self.streams.has_room(owner, copies):
            return True
        self.full = owner
        self.copies = copies
        return False

    def _to_feed(self, report: cython.pointer[cython.const[Report]], quantity: u64, order: u64, maker: u64) -> None:
        number: u64 = self.store.next
        public: cython.pointer[Report] = cython.address(self.store.reports[(number - 1) & self.store.mask])
        self.store.next = number + 1
        public[0] = report[0]
        public.quantity = quantity
        public.reason = self.public_reasons[report.reason % REASONS]
        public.seq_num = number
        public.order_id = order
        public.maker_id = maker

    def _to_owner(
        self, s: cython.pointer[Stream], report: cython.pointer[cython.const[Report]], reference: u64
    ) -> None:
        """Report to the owner of the order or of the command, with its own order id.

        The maker id is the public reference of its order, or for a trade that of the other order. Others keep theirs:
        hidden lots, the trigger price of an open order that waits, or the surplus of an auction.
        """
        own: cython.pointer[Report] = self._copy_to(s, report)
        if self.referring[report.kind % KINDS] != 0 and (report.kind != OPEN_ORDER or report.reason != WAITS):
            own.maker_id = reference
        if report.kind == AUCTION_TRADE:
            own.side = BID
        if report.kind != REJECTED or (report.reason != INVALID_ORDER_ID and report.reason != THROTTLED):
            own.order_id = report.order_id & CLIENTS_ID

    def _to_maker(self, report: cython.pointer[cython.const[Report]], taker: u64) -> None:
        """Report a trade to the owner of the resting order, with the opposite side; in an auction to the seller.

        ``taker``: the reference of the other order.
        """
        owner: u32 = report.maker_id >> ORDER_ID_SHIFT
        s: cython.pointer[Stream] = cython.address(self.streams.streams[owner])
        if not self._open(owner, s):
            return
        own: cython.pointer[Report] = self._copy_to(s, report)
        if report.kind == TRADE:
            own.side = 3 - report.side
            own.reason = AS_MAKER
        else:
            own.side = ASK
        own.order_id = report.maker_id & CLIENTS_ID
        own.maker_id = taker

    def _open(self, owner: u32, s: cython.pointer[Stream]) -> cython.bint:
        """Can the next report be written into this stream? Otherwise it is lost, or has no owner."""
        return s.count < s.open_until or self.streams.make_ready(owner)


def is_plain(report: cython.pointer[cython.const[Report]], owner: u32) -> cython.bint:
    """Is it about an order of the owner of the command, not a trade, and unchanged on the feed?"""
    kind: u32 = report.kind
    if kind > EXPIRED or kind == TRADE or report.reason == WAITS or report.order_id >> ORDER_ID_SHIFT != owner:
        return False
    return report.maker_id == 0 or kind == REPLACED


def is_public(report: cython.pointer[cython.const[Report]]) -> cython.bint:
    """Does the feed have a report? Not if it is only about hidden lots, or about an order that waits."""
    kind: u32 = report.kind
    if kind == TRADE:
        return True
    if kind == REPLACED:
        return report.reason != WAITS
    if kind <= EXPIRED or kind == TRIGGERED:
        return report.maker_id == 0 or report.maker_id != report.quantity
    if kind == PHASE_CHANGED or kind == REFRESHED or kind == PRICE_SET:
        return True
    return kind == INDICATIVE or kind == UNCROSSED or kind == AUCTION_TRADE


def count_public(reports: NDArray[np.void]) -> int:
    """How many of these reports of an engine go to the feed: see ``Router._publish``. O(reports)."""
    report: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
    count: u64 = 0
    i: u64
    for i in range(cython.cast(u64, len(reports))):
        count += is_public(cython.address(report[i]))
    return count
