# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Where each report goes: to whoever gave the command, of a trade to the maker's owner too, and to the feed.

In the book an order's id is ``owner << 48 | client's id``, so a report itself says whose it is. A client sees its own
ids; everybody else sees public ones. The feed has no rejections and no mass cancels, which concern nobody else, and
numbers what it has without a gap. That a mass cancel is not finished is for the gateway alone to know.
"""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.libc.string import memset


@cython.final
@cython.cclass
class Router:
    """For the gateway's thread alone."""

    def __init__(self, reports, sessions, store, public_ids):
        self.reports = reports
        self.sessions = sessions
        self.store = store
        self.public_ids = public_ids
        self.commands = self.arrivals = self.unfinished_count = 0
        self.start_counting()

    def start_counting(self):
        """Count from nothing: what a journal was replayed through is not what this process did."""
        self.routed = 0
        i: cython.int
        for i in range(KINDS * REASONS):
            self.counts[i] = 0

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
            self._hide(done, count)
            i: u64
            for i in range(count):
                routed: cython.pointer[RoutedReport] = cython.cast(
                    cython.pointer[RoutedReport], self.reports.peeked(done + i)
                )
                kind: u32 = routed.report.kind
                self.counts[(kind % KINDS) * REASONS + routed.report.reason % REASONS] += 1
                if routed.report.reason == UNFINISHED:
                    self.unfinished[self.unfinished_count] = routed.session
                    self.unfinished_count += 1
                elif routed.session != 0:
                    self._to_owner(routed.session, cython.address(routed.report), self.order_ids[i], self.maker_ids[i])
                if kind == TRADE:
                    self._to_maker(cython.address(routed.report), self.order_ids[i])
                if kind != REJECTED and kind != MASS_CANCELLED:
                    self._to_feed(cython.address(routed.report), self.order_ids[i], self.maker_ids[i])
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

    def _hide(self, first, count):
        """The public ids of a block of reports.

        Most reports have no maker, and a command's reports one order: each id goes through the cipher only once.
        """
        n: u64 = 0
        order_at: u64 = 0
        i: u64
        for i in range(count):
            routed: cython.pointer[RoutedReport] = cython.cast(
                cython.pointer[RoutedReport], self.reports.peeked(first + i)
            )
            if n == 0 or self.order_ids[i - 1] != routed.report.order_id:
                order_at = n
                self.ids[n] = routed.report.order_id
                n += 1
            self.order_ids[i] = routed.report.order_id
            self.order_at[i] = cython.cast(u32, order_at)
            self.maker_at[i] = cython.cast(u32, n)
            if routed.report.maker_id != 0:
                self.ids[n] = routed.report.maker_id
                n += 1
        self.public_ids.hide(self.ids, n)
        for i in range(count):
            self.order_ids[i] = self.ids[self.order_at[i]]
            self.maker_ids[i] = self.ids[self.maker_at[i]]

    def _to_feed(self, report, order_id, maker_id):
        public: cython.pointer[Report] = self.store.append()
        public.type = report.type
        public.kind = report.kind
        public.side = report.side
        public.reason = report.reason
        public.instrument = report.instrument
        public.order_id = order_id if report.order_id != 0 else 0
        public.maker_id = maker_id if report.maker_id != 0 else 0
        public.price = report.price
        public.quantity = report.quantity

    def _to_owner(self, owner, report, order_id, maker_id):
        """To whoever gave the command: its own id, and a public one to find itself, or the other side, on the feed."""
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
        if kind == ACCEPTED or kind == REPLACED:
            mine.maker_id = order_id
        elif kind == TRADE:
            mine.maker_id = maker_id
        mine.price = report.price
        mine.quantity = report.quantity

    def _to_maker(self, report, taker_id):
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
        mine.maker_id = taker_id
        mine.price = report.price
        mine.quantity = report.quantity
