# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Where each report goes: to whoever gave the command, of a trade to the maker's owner too, and to the feed.

In the book an order's id is ``owner << 48 | client's id``, so a report itself says whose it is. A client sees its own
ids; all others see references (``core/references.py``). The feed has only what changes a book, with the reasons that
say nothing of an owner, and numbers it without a gap. Only the gateway learns that a
mass cancel is not finished.
"""

from __future__ import annotations

import cython

from pricetime.types import Reason

if cython.compiled:
    from cython.cimports.libc.string import memset

#: The reasons that stand in public reports: they follow from the order itself. Any other would tell what its owner did.
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
    """For the gateway's thread alone."""

    def __init__(self, reports, sessions, store, references):
        self.reports = reports
        self.sessions = sessions
        self.store = store
        self.references = references
        reason: cython.int
        for reason in range(REASONS):
            self.public_reasons[reason] = reason if reason in PUBLIC_REASONS else Reason.NONE
        self.commands = self.arrivals = self.unfinished_count = 0
        self.start_counting()

    def start_counting(self):
        """Count from nothing: what a journal was replayed through is not what this process did."""
        self.routed = 0
        i: cython.int
        for i in range(KINDS * REASONS):
            self.counts[i] = 0

    def prefault(self):
        """Take up the memory of the references."""
        self.references.prefault()

    def counted(self):
        """How many reports there were of each kind and reason: {(kind, reason): count}. From any thread."""
        found = {}
        i: cython.int
        for i in range(KINDS * REASONS):
            if self.counts[i] != 0:
                found[i // REASONS, i % REASONS] = self.counts[i]
        return found

    def step(self, most):
        """Route what the ring of reports holds of the next ``most`` commands, up to a limit: how many reports."""
        self.commands = self.arrivals = self.unfinished_count = 0
        total: u64 = min(self.reports.peek(ROUTE_LIMIT), self.store.room())
        if most < total:  # else it cannot hold more commands than those
            total = self._reports_of(most, total)
        self.store.begin(total)
        done: u64 = 0
        while done < total:
            count: u64 = min(total - done, cython.cast(u64, BLOCK))
            i: u64
            for i in range(count):
                self.references.fetch(cython.cast(cython.pointer[Report], self.reports.peeked(done + i)))
            for i in range(count):
                routed: cython.pointer[RoutedReport] = cython.cast(
                    cython.pointer[RoutedReport], self.reports.peeked(done + i)
                )
                kind: u32 = routed.report.kind
                self.counts[(kind % KINDS) * REASONS + routed.report.reason % REASONS] += 1
                self.references.follow(cython.address(routed.report))
                if routed.report.reason == UNFINISHED:
                    self.unfinished[self.unfinished_count] = routed.session
                    self.unfinished_count += 1
                elif routed.session != 0:
                    self._to_owner(routed.session, cython.address(routed.report))
                if kind == TRADE:
                    self._to_maker(cython.address(routed.report))
                if kind <= EXPIRED or kind == STATE_CHANGED:
                    self._to_feed(cython.address(routed.report))
                if routed.last:
                    self._count(routed.timestamp, routed.kind)
            done += count
        if done != 0:
            self.reports.release(done)
            self.store.publish()
            self.routed += done
        return done

    def _reports_of(self, commands, total):
        """How many of the first ``total`` reports are of the next so many commands."""
        i: u64 = 0
        while i < total and commands != 0:
            routed: cython.pointer[RoutedReport] = cython.cast(cython.pointer[RoutedReport], self.reports.peeked(i))
            commands -= routed.last
            i += 1
        return i

    def _count(self, timestamp, kind):
        """Another command is answered: with those that came in the same read, where the last one did."""
        self.commands += 1
        if self.arrivals == 0 or self.arrived[self.arrivals - 1].timestamp != timestamp:
            memset(cython.address(self.arrived[self.arrivals]), 0, cython.sizeof(Arrival))
            self.arrived[self.arrivals].timestamp = timestamp
            self.arrivals += 1
        self.arrived[self.arrivals - 1].commands[kind] += 1

    def _to_feed(self, report):
        public: cython.pointer[Report] = self.store.append()
        public.type = report.type
        public.kind = report.kind
        public.side = report.side
        public.reason = self.public_reasons[report.reason % REASONS]
        public.instrument = report.instrument
        public.order_id = self.references.order
        public.maker_id = self.references.maker
        public.price = report.price
        public.quantity = report.quantity

    def _to_owner(self, owner, report):
        """To whoever gave the command: its own id, and the reference of its order, or of the other side of a trade."""
        mine: cython.pointer[Report] = self.sessions.append(owner)
        if not mine:
            return
        kind: u32 = report.kind
        mine.type = report.type
        mine.kind = kind
        mine.side = report.side
        mine.reason = report.reason
        mine.instrument = report.instrument
        mine.order_id = report.order_id
        if kind != REJECTED or (report.reason != INVALID_ORDER_ID and report.reason != THROTTLED):
            mine.order_id &= (cython.cast(u64, 1) << ORDER_ID_SHIFT) - 1
        mine.maker_id = 0
        if kind == ACCEPTED or kind == REPLACED or kind == OPEN_ORDER:
            mine.maker_id = self.references.order
        elif kind == TRADE:
            mine.maker_id = self.references.maker
        mine.price = report.price
        mine.quantity = report.quantity

    def _to_maker(self, report):
        """A trade, as the owner of the resting order sees it."""
        mine: cython.pointer[Report] = self.sessions.append(cython.cast(u32, report.maker_id >> ORDER_ID_SHIFT))
        if not mine:
            return
        mine.type = report.type
        mine.kind = TRADE
        mine.side = 3 - report.side
        mine.reason = AS_MAKER
        mine.instrument = report.instrument
        mine.order_id = report.maker_id & ((cython.cast(u64, 1) << ORDER_ID_SHIFT) - 1)
        mine.maker_id = self.references.order
        mine.price = report.price
        mine.quantity = report.quantity
