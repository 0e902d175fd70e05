# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Routes each report: to the owner of the command, a trade also to the maker's owner, and to the feed.

In the book an order's id is ``owner << 48 | client's id``, so a report contains its owner. A client sees its own ids;
all others see public references (``Books.references``). The feed contains only reports that change a book, numbered
without a gap, and only reasons that reveal nothing about an owner. A report that a mass cancel is unfinished goes only
to the gateway.
"""

from __future__ import annotations

import cython

from pricetime.types import Reason

if cython.compiled:
    from cython.cimports.libc.string import memset

#: Reasons that the feed shows: they follow from the order itself. Any other reason would reveal what its owner did.
PUBLIC_REASONS = (
    Reason.IOC_REMAINDER,
    Reason.FOK_UNFILLABLE,
    Reason.MARKET_REMAINDER,
    Reason.KEPT_PLACE,
    Reason.NEVER_RESTS,
)


@cython.final
@cython.cclass
class Router:
    """Used by the gateway thread only."""

    def __init__(self, reports, sessions, store):
        self.reports = reports
        self.sessions = sessions
        self.store = store
        self.taker = 0
        reason: cython.int
        for reason in range(REASONS):
            self.public_reasons[reason] = reason if reason in PUBLIC_REASONS else Reason.NONE
        self.commands = self.arrivals = self.unfinished_count = 0
        self.start_counting()

    def start_counting(self):
        """Reset the counters, because reports of a replay are not reports of this process."""
        self.routed = 0
        i: cython.int
        for i in range(KINDS * REASONS):
            self.counts[i] = 0

    def counted(self):
        """Number of reports as {(kind, reason): count}, without zeros. Callable from any thread."""
        found = {}
        i: cython.int
        for i in range(KINDS * REASONS):
            if self.counts[i] != 0:
                found[i // REASONS, i % REASONS] = self.counts[i]
        return found

    def step(self, most):
        """Route the reports of at most ``most`` commands, and at most ROUTE_LIMIT reports. Returns how many."""
        self.commands = self.arrivals = self.unfinished_count = 0
        total: u64 = min(self.reports.peek(ROUTE_LIMIT), self.store.room())
        if most < total:  # otherwise the first ``total`` reports cannot belong to more than ``most`` commands
            total = self._reports_of(most, total)
        self.store.begin(total)
        i: u64
        for i in range(total):
            routed: cython.pointer[RoutedReport] = cython.cast(cython.pointer[RoutedReport], self.reports.peeked(i))
            report: cython.pointer[Report] = cython.address(routed.report)
            kind: u32 = report.kind
            reference: u64 = report.seq_num
            self.counts[(kind % KINDS) * REASONS + report.reason % REASONS] += 1
            if report.reason == UNFINISHED:
                self.unfinished[self.unfinished_count] = routed.session
                self.unfinished_count += 1
            elif routed.session != 0:
                self._to_owner(routed.session, report)
            if kind == TRADE:
                self._to_maker(report)
                self._to_feed(report, self.taker, reference)
            elif kind == ACCEPTED or kind == REPLACED:
                self.taker = reference
                self._to_feed(report, reference, reference if kind == REPLACED else 0)
            elif kind <= EXPIRED:
                self._to_feed(report, reference, 0)
            elif kind == STATE_CHANGED:
                self._to_feed(report, 0, 0)
            if routed.last:
                self._count(routed.timestamp, routed.kind)
        if total != 0:
            self.reports.release(total)
            self.store.publish()
            self.routed += total
        return total

    def _reports_of(self, commands, total):
        """How many of the first ``total`` reports belong to the next ``commands`` commands."""
        i: u64 = 0
        while i < total and commands != 0:
            routed: cython.pointer[RoutedReport] = cython.cast(cython.pointer[RoutedReport], self.reports.peeked(i))
            commands -= routed.last
            i += 1
        return i

    def _count(self, timestamp, kind):
        """Count an answered command, together with the commands that arrived in the same read."""
        self.commands += 1
        if self.arrivals == 0 or self.arrived[self.arrivals - 1].timestamp != timestamp:
            memset(cython.address(self.arrived[self.arrivals]), 0, cython.sizeof(Arrival))
            self.arrived[self.arrivals].timestamp = timestamp
            self.arrivals += 1
        self.arrived[self.arrivals - 1].commands[kind] += 1

    def _to_feed(self, report, order, maker):
        public: cython.pointer[Report] = self.store.append()
        public.type = report.type
        public.kind = report.kind
        public.side = report.side
        public.reason = self.public_reasons[report.reason % REASONS]
        public.instrument = report.instrument
        public.order_id = order
        public.maker_id = maker
        public.price = report.price
        public.quantity = report.quantity

    def _to_owner(self, owner, report):
        """Report to the owner of the command, with its own order id and the public reference of its order; for a trade,
        with the reference of the maker."""
        own: cython.pointer[Report] = self.sessions.append(owner)
        if not own:
            return
        kind: u32 = report.kind
        own.type = report.type
        own.kind = kind
        own.side = report.side
        own.reason = report.reason
        own.instrument = report.instrument
        own.order_id = report.order_id
        if kind != REJECTED or (report.reason != INVALID_ORDER_ID and report.reason != THROTTLED):
            own.order_id &= (cython.cast(u64, 1) << ORDER_ID_SHIFT) - 1
        own.maker_id = 0
        if kind == ACCEPTED or kind == TRADE or kind == REPLACED or kind == OPEN_ORDER:
            own.maker_id = report.seq_num
        own.price = report.price
        own.quantity = report.quantity

    def _to_maker(self, report):
        """Report a trade to the owner of the resting order, with the opposite side."""
        own: cython.pointer[Report] = self.sessions.append(cython.cast(u32, report.maker_id >> ORDER_ID_SHIFT))
        if not own:
            return
        own.type = report.type
        own.kind = TRADE
        own.side = 3 - report.side
        own.reason = AS_MAKER
        own.instrument = report.instrument
        own.order_id = report.maker_id & ((cython.cast(u64, 1) << ORDER_ID_SHIFT) - 1)
        own.maker_id = self.taker
        own.price = report.price
        own.quantity = report.quantity
