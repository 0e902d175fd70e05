"""Which report answers which command of a client, and which reports belong to the answer. Compiled: each report comes
here.

The exchange answers the commands of an owner in the order in which it receives them. So of several commands about one
order id, the first that is open is answered by the first report that can be its answer. If a connection was lost,
commands sent over it may never have arrived: that is known as soon as a later one is answered, or the exchange says
that it has no more reports. If the same command was sent again over a new connection, it cannot be known which of the
two was answered, and it does not matter: both get the answer.

A refusal has no place in the stream, and may come before the answers to earlier commands. It says which command it is
about: the number of the command among those of the connection.

The reports of one command follow each other in the owner's stream, and no report says that it is the last. So the
answer to a new order or a replace is complete when nothing of the order is left; when a report of a different command
comes; or, if the order may rest, when everything that came has been read: the exchange sends the reports of a command
together.
"""

from __future__ import annotations

import weakref

import cython

from pricetime.client.errors import CommandLost

if not cython.compiled:  # the compiled form has them from acknowledgements.pxd
    from pricetime.client.future import ANSWERED, FAILED, CommandFuture, FinalFuture, OrderFuture
    from pricetime.core.layout import *
    from pricetime.wire.messages import SIZES, ExecutionReport, decode

    REPORT_BYTES = ExecutionReport.SIZE


@cython.final
@cython.cclass
class Acknowledgements:
    """The open commands of a client by instrument and order id, and the orders that futures follow to their end.

    ``lock``: the client's; callers of all methods hold it. None: the futures never wait. ``resends``: keep each command
    until it is answered, for ``resend``.
    """

    def __init__(self, lock, resends=False):
        self._lock = lock
        self._resends = resends
        self._connection = self._number = 0
        self._open = {}
        self._followed = {}
        self._oldest = 0
        self._answering = self._order = self._key = None

    def __len__(self):
        return sum(map(len, self._open.values()))

    @property
    def follows(self):
        """Whether a future waits for the end of an order that rests."""
        return any(reference() is not None for reference in self._followed.values())

    def expect(self, command, connection):
        """A command is sent, as these bytes, over the connection of this number. Returns the future of its answer."""
        message: cython.pointer[NewOrder] = command_of(command)
        future: CommandFuture
        if message.type == NEW_ORDER or message.type == REPLACE_ORDER:
            order: OrderFuture = OrderFuture()
            order.final = FinalFuture()
            order.final.lock = self._lock
            future = order
        else:
            future = CommandFuture()
        future.lock = self._lock
        future.kind = answer_of(message.type)
        self.pass_over(1, connection)
        future.connection = connection
        future.number = self._number
        if self._resends:
            future.command = command
        key: tuple = (message.instrument, message.order_id)
        waiting: list = self._open.get(key)
        if waiting is None:
            self._open[key] = [future]
        else:
            waiting.append(future)
        return future

    def pass_over(self, count, connection):
        """So many commands are sent over a connection: the next has the number after them."""
        if connection != self._connection:
            self._connection, self._number = connection, 0
        self._number += count
        return 0

    def _pop(self, key, waiting, count):
        """Remove and return the oldest open commands of a key."""
        oldest: list = waiting[:count]
        del waiting[:count]
        if not waiting:
            del self._open[key]
        return oldest

    def read(self, reports):
        """Reports came. O(1) if no command is open and no order is followed, else O(reports)."""
        if not self._open and self._answering is None and not self._followed:
            return
        data: bytes = reports
        records: cython.pointer[Report] = reports_of(data)
        i: cython.Py_ssize_t
        for i in range(len(data) // REPORT_BYTES):
            self._read(cython.address(records[i]), data, i * REPORT_BYTES)

    def _read(self, report, reports, at):
        if report.seq_num == 0:
            return self._refuse(report, reports[at : at + REPORT_BYTES])
        if self._answering is not None:
            if report.order_id == self._order_id and report.instrument == self._instrument and self._takes(report):
                self._order.read(report.kind, report.reason, report.quantity, reports[at : at + REPORT_BYTES])
                if self._order.remaining == 0:
                    self._settle()
                return 0
            if report.instrument != self._instrument or not self._is_beside(report):
                self._settle()
        if not self._open and not self._followed:
            return 0
        key: tuple = (report.instrument, report.order_id)
        waiting: list = self._open.get(key)
        if waiting is not None and answers(report, waiting[0]):
            self._answer(key, waiting, report, reports[at : at + REPORT_BYTES])
        elif key in self._followed:
            self._follow(key, report, reports[at : at + REPORT_BYTES])
        return 0

    def _takes(self, report):
        """Whether a report about the order that is being answered is of the same command."""
        kind: u8 = report.kind
        reason: u8 = report.reason
        if kind == TRADE:
            return reason != AS_MAKER
        if kind == REFRESHED or kind == HIDDEN or kind == TRIGGERED:
            return True
        return (kind == CANCELLED or kind == REDUCED) and (
            reason == IOC_REMAINDER or reason == FOK_UNFILLABLE or reason == MARKET_REMAINDER or reason == SELF_TRADE
            or reason == MINIMUM_UNFILLABLE or reason == OUTSIDE_RANGE
            or reason == LEVELS_FULL or reason == LEVEL_QUANTITY_FULL
        )  # fmt: skip

    def _is_beside(self, report):
        """Whether a report that is not about the order that is being answered may come between reports that are: its
        command affects a different order of the same owner, or the phase."""
        if report.kind == PHASE_CHANGED:
            return True
        if report.order_id == self._order_id:
            return False
        return report.kind == REFRESHED or report.reason == AS_MAKER or report.reason == SELF_TRADE

    def _answer(self, key, waiting, report, data):
        """The first open command of a key has its answer."""
        future: CommandFuture = waiting[0]
        connection: u32 = future.connection
        kind: u8 = future.kind
        count: cython.Py_ssize_t = 1
        while count < len(waiting):
            future = waiting[count]
            if future.kind != kind or future.connection <= connection:
                break
            count += 1  # the same command, sent again over a new connection
        answered: list = self._pop(key, waiting, count)
        if report.kind == REJECTED:
            for one in answered:
                fail(one, data)
        elif kind == ACCEPTED or kind == REPLACED:
            self._begin(key, report, data, answered)
        else:
            self._follow(key, report, data)
            for one in answered:
                future = one
                future.complete(ANSWERED, data)
        if connection > self._oldest:
            self.lose(connection)
        return 0

    def _refuse(self, report, data):
        """The exchange did not take a command of this connection."""
        key: tuple = (report.instrument, report.order_id)
        waiting: list = self._open.get(key, [])
        future: CommandFuture
        for at, one in enumerate(waiting):
            future = one
            if future.connection == self._connection and future.number == report.maker_id:
                del waiting[at]
                if not waiting:
                    del self._open[key]
                fail(future, data)
                break
        return 0

    def _begin(self, key, report, data, answered):
        """An order was accepted or replaced, or a replace ended it: more reports of the same command may follow."""
        one: OrderFuture = answered[0]
        order: FinalFuture = None
        if report.kind == ACCEPTED:
            self._followed.pop(key, None)
        else:
            order = self._followed_order(key)
        if order is None:
            order = one.final
            order.begin(data, 0 if report.kind == CANCELLED else report.quantity, report.reason == WAITS)
        else:
            order.read(report.kind, report.reason, report.quantity, data)
        for other in answered:
            one = other
            if one.final is not order:
                one.final.follow(order)
        self._answering, self._order, self._accepted = answered, order, data
        self._key, self._instrument, self._order_id = key, report.instrument, report.order_id
        self._before = len(order.fills)
        self._ends = report.kind == ACCEPTED and report.reason == NEVER_RESTS
        if order.remaining == 0:
            self._settle()
        return 0

    def _follow(self, key, report, data):
        """A report about an order that may be followed to its end."""
        order: FinalFuture = self._followed_order(key)
        if order is None:
            self._followed.pop(key, None)
            return 0
        order.read(report.kind, report.reason, report.quantity, data)
        if order.remaining == 0:
            del self._followed[key]
            order.end(ANSWERED, (order.accepted, order.fills, 0, order.last, False))
        return 0

    def _followed_order(self, key):
        reference = self._followed.get(key)
        return None if reference is None else reference()

    def all_read(self):
        """Everything that came has been read: the reports of a command whose order may rest are complete."""
        if self._answering is not None and not self._ends:
            self._settle()

    def _settle(self):
        """The reports of the command that is being answered are complete."""
        order: FinalFuture = self._order
        answered: list = self._answering
        self._answering = self._order = None
        result: tuple = (self._accepted, order.fills[self._before :], order.remaining, order.last, order.waits)
        future: CommandFuture
        for one in answered:
            future = one
            future.complete(ANSWERED, result)
        if order.remaining != 0:
            self._followed[self._key] = weakref.ref(order)
        else:
            self._followed.pop(self._key, None)
            order.end(ANSWERED, (order.accepted, order.fills, 0, order.last, False))
        return 0

    def lose(self, connection):
        """The commands sent over connections before this one will never be answered."""
        if connection <= self._oldest:
            return
        self._oldest = connection
        future: CommandFuture
        for key, waiting in list(self._open.items()):
            count: cython.Py_ssize_t = 0
            for one in waiting:
                future = one
                count += future.connection < connection
            for one in self._pop(key, waiting, count):
                fail(one, CommandLost(f"the command about order {key[1]} was lost with its connection"))

    def resend(self, connection):
        """The commands sent over connections before this one were never received: return those that are open, as bytes
        in the order in which they were sent, to be sent over this connection. Their futures stay open.
        """
        if connection <= self._oldest:
            return b""
        self._oldest = connection
        lost: list = []
        future: CommandFuture
        for waiting in self._open.values():
            for one in waiting:
                future = one
                if future.connection < connection:
                    lost.append((future.connection, future.number, future))
        lost.sort()
        commands: list = []
        for *_, one in lost:
            future = one
            self.pass_over(1, connection)
            future.connection, future.number = connection, self._number
            commands.append(future.command)
        return b"".join(commands)

    def lose_all(self, error):
        """Nothing will be answered any more, for this reason."""
        self.all_read()
        if self._answering is not None:
            for one in self._answering:
                fail(one, error)
            self._answering = self._order = None
        unanswered, self._open = self._open, {}
        for waiting in unanswered.values():
            for one in waiting:
                fail(one, error)
        references, self._followed = self._followed, {}
        for reference in references.values():
            order: FinalFuture = reference()
            if order is not None:
                order.end(FAILED, error)


def command_of(data):
    """The command that these bytes are, of which all begin alike."""
    if not cython.compiled:
        return decode(data[: SIZES[data[0]]])  # without the extension of an order
    return cython.cast(cython.pointer[NewOrder], cython.cast(cython.p_char, data))


def reports_of(data):
    """The reports that these bytes are."""
    if not cython.compiled:
        starts = range(0, len(data), REPORT_BYTES)
        return [ExecutionReport.decode(data[at : at + REPORT_BYTES]) for at in starts]
    return cython.cast(cython.pointer[Report], cython.cast(cython.p_char, data))


def answer_of(command):
    """The kind of report that answers a command of this type, if it is not refused."""
    if command == NEW_ORDER:
        return ACCEPTED
    if command == CANCEL_ORDER:
        return CANCELLED
    if command == REPLACE_ORDER:
        return REPLACED
    if command == REDUCE_ORDER:
        return REDUCED
    return MASS_CANCELLED if command == MASS_CANCEL else OPEN_ORDERS_END


def answers(report, command):
    """Whether a report answers a command, given its future.

    A cancel or reduce that the owner asked for has no reason; one that the market caused has. A replace ends an order
    that has traded the whole new quantity. The end of an auction gives an order a price without a command.
    """
    if report.kind == REJECTED:
        return True
    kind: u8 = command.kind
    if report.kind != kind:
        return kind == REPLACED and report.kind == CANCELLED and report.reason == TRADED_MORE
    return report.reason == NONE or (kind != CANCELLED and kind != REDUCED and report.reason != PRICED)


def fail(future, error):
    """Complete a future, and that of its order's end, with an error: an exception, or the report of the refusal."""
    future.complete(FAILED, error)
    if isinstance(future, OrderFuture):
        order: OrderFuture = future
        order.final.complete(FAILED, error)
    return 0
