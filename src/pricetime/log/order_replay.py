"""Explains one order from a journal: replays it and keeps the history of the order.

explanation = OrderReplay(Directory(folder), Wanted.parse("3:7")).run()
print(explanation)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.engine import Engine
from ..errors import InvalidOrderId, UnknownOrder
from ..explanation import Entry, Explanation, present, why_ended
from ..prices import in_currency
from ..standing import Standing, Terms, standing_of
from ..types import (
    ORDER_EXTENSION,
    STOPS,
    UNPRICED,
    CommandType,
    Instruction,
    OrderType,
    ReportArray,
    ReportKind,
    Side,
    TimeInForce,
)
from .batch import Commands, waits
from .configuration import Configuration
from .directory import Directory
from .errors import SnapshotDamaged
from .history import ABOUT, TRADES, OrderHistory, Said
from .replay import Until, begin
from .replayer import Books

AnyEnum = TypeVar("AnyEnum", bound=IntEnum)

#: In the books of an exchange, an order's id is ``owner << 48 | id of the client``.
OWNER_SHIFT = 48

#: Commands about one order, whose id is in ``order_id``.
ABOUT_ONE = [
    CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.REPLACE_ORDER, CommandType.REDUCE_ORDER,
    CommandType.REPLACE_ORDER_AS, CommandType.GATEWAY_REJECT,
]  # fmt: skip

#: Kinds of reports that an ``OrderHistory`` learns from.
WATCHED = [int(kind) for kind in ABOUT | TRADES | {ReportKind.REPLACED}]


class Wanted(NamedTuple):
    """Which order: by its id in its book, or by its public reference."""

    order_id: int | None = None
    reference: int | None = None
    instrument: int | None = None  #: None: any

    @classmethod
    def parse(cls, text: str, instrument: int | None = None) -> Wanted:
        """``OWNER:ID``, with the id of the client, or a public reference. Raises InvalidOrderId."""
        owner, colon, number = text.partition(":")
        parts = (owner, number) if colon else (text,)
        if all(part.isascii() and part.isdigit() for part in parts):
            if not colon:
                return cls(reference=int(text), instrument=instrument)
            if 0 < int(owner) < 1 << 64 - OWNER_SHIFT and int(number) < 1 << OWNER_SHIFT:
                return cls(order_id=int(owner) << OWNER_SHIFT | int(number), instrument=instrument)
        raise InvalidOrderId(f"{text!r} is not an order: give OWNER:ID, such as 3:7, or a public reference, such as 42")

    @property
    def text(self) -> str:
        """The order in words."""
        if self.order_id is None:
            return f"reference {self.reference}"
        owner, number = divmod(self.order_id, 1 << OWNER_SHIFT)
        return f"{number} of owner {owner}" if owner else f"{number}"


class WatchedBooks(Books):
    """Books that keep the history of one order. ``wanted``: which one."""

    def __init__(self, configuration: Configuration, engine: Engine, *, epoch: int = 0, wanted: Wanted) -> None:
        super().__init__(configuration, engine, epoch=epoch)
        self.wanted = wanted
        self.histories: dict[int, OrderHistory] = {}  #: by instrument; the newest of orders that had the same id
        self._find_open()

    def standing(self, instrument: int, order_id: int) -> Standing | None:
        """Where an order stands now; None if it is not open. O(orders)."""
        venue = self.engine.instruments[instrument].venue
        return standing_of(self.engine.dump(), order_id, instrument, venue.stop_trigger)

    def _find_open(self) -> None:
        """Begin with the order if it is open already: a journal may begin with a snapshot."""
        orders = self.engine.dump().resting
        name, number = ("order_id", self.wanted.order_id)
        if number is None:
            name, number = "reference", self.wanted.reference
        for row in orders[orders[name] == number]:
            if self._is_of(int(row["instrument"])):
                standing = self.standing(int(row["instrument"]), int(row["order_id"]))
                assert standing is not None
                self.histories[standing.instrument] = OrderHistory.of(standing)

    def _is_of(self, instrument: int) -> bool:
        return self.wanted.instrument in (None, instrument)

    # ------------------------------------------------------------------ the commands

    def _execute(self, commands: Commands) -> None:
        done = 0
        while done < len(commands) and self._seeks:
            done = self._seek(commands, done)
        rest = commands[done:]
        ids = self._ids()
        for first, end, is_own in parted(rest, about(rest, ids)):
            if not is_own:
                self._run(rest[first:end])
                continue
            self._run_own(rest[first:end])
            if not np.array_equal(self._ids(), ids):  # it has a new id
                self._execute(rest[end:])
                return

    def _ids(self) -> NDArray[np.uint64]:
        """The ids in commands about the order."""
        ids = {history.order_id for history in self.histories.values()}
        if self.wanted.order_id is not None:
            ids.add(self.wanted.order_id)
        return np.array(sorted(ids), np.uint64)

    @property
    def _seeks(self) -> bool:
        """Is the order with the wanted reference still to come?"""
        return self.wanted.order_id is None and not self.histories and self.engine.next_reference <= self._reference

    @property
    def _reference(self) -> int:
        return self.wanted.reference or 0

    def _seek(self, commands: Commands, done: int) -> int:
        """Run commands up to the one that may be accepted under the wanted reference. Returns how many are done.

        A command makes at most one order, so as many commands as references are missing can run together.
        """
        missing = self._reference - self.engine.next_reference
        if missing:
            end = min(len(commands), done + missing)
            end += end < len(commands) and waits(commands[end - 1])
            self._run(commands[done:end])
            return end
        end = done + 1 + (done + 1 < len(commands) and waits(commands[done]))
        self._run_own(commands[done:end])
        return end

    def _run(self, commands: Commands) -> None:
        """Run commands that are not about the order."""
        if not any(history.is_open for history in self.histories.values()):
            super()._execute(commands)
            return
        reports, ends = self.engine.apply_with_ends(commands)
        self._add(reports)
        for instrument, history in self.histories.items():
            if history.is_open:
                chosen = np.flatnonzero((reports["instrument"] == instrument) & np.isin(reports["kind"], WATCHED))
                made_by = np.searchsorted(ends, chosen, side="right")
                for said in said_of(reports[chosen], commands["sequence"][made_by], commands["timestamp"][made_by]):
                    history.take(said)

    def _run_own(self, commands: Commands) -> None:
        """Run one command, with its extension, that is about the order or may be."""
        command = commands[0]
        instrument = int(command["instrument"])
        entry = self._entry(instrument, int(command["side"]))
        before = self.histories.get(instrument)
        if command["type"] == CommandType.REPLACE_ORDER_AS:
            self._follow_renamed(command)
        reports = self.engine.apply(commands)
        self._add(reports)
        sequence, time_ns = int(command["sequence"]), int(command["timestamp"])
        count = len(reports)
        for said in said_of(reports, np.full(count, sequence), np.full(count, time_ns)):
            self._take_own(said, commands, entry)
        history = self.histories.get(instrument)
        if history is not before and history is not None and self.wanted.order_id not in (None, history.order_id):
            del self.histories[instrument]  # the replace was rejected: it did not get the wanted id
            if before is not None:
                self.histories[instrument] = before
            return
        if history is not None and history.is_open and history.place_then is None and history.accepted is not None:
            standing = self.standing(instrument, history.order_id)
            history.place_then = None if standing is None else standing.place

    def _follow_renamed(self, command: np.void) -> None:
        """Follow the order that this command gives the wanted id. What happened to it before is unknown."""
        instrument, old_id = int(command["instrument"]), int(command["order_id"])
        history = self.histories.get(instrument)
        if new_id_of(command) != self.wanted.order_id or (history is not None and history.is_open):
            return
        if self._is_of(instrument) and (standing := self.standing(instrument, old_id)) is not None:
            self.histories[instrument] = OrderHistory.of(standing)

    def _take_own(self, said: Said, commands: Commands, entry: Entry | None) -> None:
        """Learn from a report of such a command."""
        command = commands[0]
        instrument = int(command["instrument"])
        history = self.histories.get(instrument)
        if said.order_id == command["order_id"] and self._begins(said, command, history):
            reference = self.engine.next_reference - 1 if said.kind == ReportKind.ACCEPTED else 0
            terms = terms_of(command, commands[1] if len(commands) > 1 else None)
            history = OrderHistory(said.order_id, int(command["owner"]), terms, entry, reference)
            self.histories[instrument] = history
            history.begin(said)
        elif history is None:
            return
        elif said.kind == ReportKind.REJECTED:
            if said.order_id == history.order_id and (history.is_open or self.wanted.order_id is not None):
                history.rejected(said)
        elif history.is_open:
            history.take(said)
            if said.kind == ReportKind.REPLACED and len(commands) > 1:
                history.terms = changed(history.terms, commands[1])

    def _begins(self, said: Said, command: np.void, history: OrderHistory | None) -> bool:
        """Is this the first report of the wanted order?"""
        if not self._is_of(int(command["instrument"])) or (history is not None and history.is_open):
            return False
        is_new = command["type"] == CommandType.NEW_ORDER
        if said.kind == ReportKind.ACCEPTED and is_new:
            return self.wanted.order_id == said.order_id or self.engine.next_reference - 1 == self.wanted.reference
        if said.kind != ReportKind.REJECTED or self.wanted.order_id != said.order_id:
            return False
        return is_new or (history is None and command["type"] == CommandType.GATEWAY_REJECT)

    def _entry(self, instrument: int, side: int) -> Entry | None:
        """The market before a command."""
        if instrument not in self.engine.instruments or side not in (Side.BID, Side.ASK):
            return None
        book = self.engine.book(instrument)
        return Entry(book.phase, book.best_ask if side == Side.BID else book.best_bid)


class OrderReplay:
    """A replay of the journal in ``directory`` that explains one order.

    ``at``: explain it as it was after the command with this number; None: at the end of the journal. It begins with the
    first command, or with the oldest snapshot if earlier commands are gone. ``told`` is called with each bad snapshot.
    Raises JournalError and OSError.
    """

    def __init__(
        self,
        directory: Directory,
        wanted: Wanted,
        *,
        at: int | None = None,
        told: Callable[[SnapshotDamaged], object] = lambda _: None,
    ) -> None:
        self.wanted = wanted
        self.until = Until(sequence=at)
        self._replay = begin(directory, self.until, told=told, make_books=partial(WatchedBooks, wanted=wanted))

    def run(self, *, progress: Callable[[int], object] = lambda _: None) -> Explanation:
        """Replay, and explain the order. ``progress`` is called with the number of commands done.

        Raises UnknownOrder if the journal has no such order up to that command, or several; the errors of a replay:
        ReplayDiffers, SegmentMissing, JournalError, OSError. O(commands); a little more while the order is open.
        """
        self._replay.run(self.until, progress=progress)
        books = self._replay.machine
        assert isinstance(books, WatchedBooks)
        upto = f"up to command {self._replay.sequence:,}"
        if not books.histories:
            raise UnknownOrder(f"the journal has no order {self.wanted.text} {upto}")
        if len(books.histories) > 1:
            numbers = ", ".join(map(str, sorted(books.histories)))
            raise UnknownOrder(f"instruments {numbers} have an order {self.wanted.text} {upto}: name the instrument")
        ((instrument, history),) = books.histories.items()
        return explained(history, instrument, books, self._replay.sequence)


def about(commands: Commands, ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which commands are about one order with such an id, or give it to one."""
    own: NDArray[np.bool_] = np.isin(commands["type"], ABOUT_ONE)
    own &= np.isin(commands["order_id"], ids)
    renamed = np.flatnonzero(commands["type"] == CommandType.REPLACE_ORDER_AS)
    own[renamed] |= np.isin([new_id_of(command) for command in commands[renamed]], ids)
    return own


def new_id_of(command: np.void) -> int:
    """The new id that a REPLACE_ORDER_AS gives."""
    return int(command["owner"]) | int(command["tag"]) << 32


def explained(history: OrderHistory, instrument: int, books: WatchedBooks, sequence: int) -> Explanation:
    """The history of an order and its present standing together."""
    unit = books.engine.instruments[instrument].price_unit
    standing = books.standing(instrument, history.order_id) if history.is_open else None
    known = None if standing is None else present(standing, unit)
    price_text = partial(in_currency, unit=unit)
    return Explanation(
        history.order_id, instrument, history.owner, history.reference, sequence, history.state,
        why_ended(history.state, history.last, history.terms, history.entry, price_text)
        if known is None else known.why,
        history.terms, history.remaining, history.filled, 0 if known is None else known.hidden,
        history.accepted, history.entry, history.place_then, None if known is None else known.place_now,
        None if known is None else known.distance, history.ahead, tuple(history.events), unit,
    )  # fmt: skip


def terms_of(command: np.void, extension: np.void | None) -> Terms:
    """What a new order asks for."""
    order_type = member(OrderType, int(command["order_type"]))
    terms = Terms(
        member(Side, int(command["side"])), order_type, member(TimeInForce, int(command["time_in_force"])),
        Instruction(int(command["instructions"]) & ~Instruction.EXTENDED),
        None if order_type in UNPRICED else int(command["price"]), int(command["quantity"]),
    )  # fmt: skip
    if extension is None:
        return terms
    more = extension_of(extension)
    return terms._replace(
        trigger_price=int(more["trigger_price"]) if order_type in STOPS else None,
        display_quantity=int(more["display_quantity"]),
        minimum_quantity=int(more["minimum_quantity"]),
        expiry_ns=int(more["expiry_ns"]),
        protection=int(more["protection"]),
    )


def changed(terms: Terms, extension: np.void) -> Terms:
    """The terms after a replace with an extension."""
    more = extension_of(extension)
    names = ("trigger_price", "display_quantity", "expiry_ns", "protection")
    given: dict[str, Any] = {name: int(more[name]) for name in names if getattr(terms, name) not in (None, 0)}
    return terms._replace(**given)


def extension_of(command: np.void) -> np.void:
    """A command of an array as the extension that it is."""
    found: np.void = np.frombuffer(command.tobytes(), ORDER_EXTENSION)[0]
    return found


def said_of(reports: ReportArray, sequences: object, times: object) -> Iterator[Said]:
    """Reports with the sequence and time of their commands."""
    names = ["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]
    rows = zip(sequences.tolist(), times.tolist(), reports[names].tolist(), strict=True)  # type: ignore[attr-defined]
    return (Said(sequence, time_ns, *row) for sequence, time_ns, row in rows)


def parted(commands: Commands, own: NDArray[np.bool_]) -> Iterator[tuple[int, int, bool]]:
    """Runs of commands: from, to, and whether they are about the order: then one command, with its extension."""
    done = 0
    for at in np.flatnonzero(own).tolist():
        if at > done:
            yield done, at, False
        done = at + 1
        done += done < len(commands) and bool(commands["type"][done] == CommandType.ORDER_EXTENSION)
        yield at, done, True
    if done < len(commands):
        yield done, len(commands), False


def member(kind: type[AnyEnum], number: int) -> AnyEnum:
    """The member of an enumeration; of a rejected order the number, if no member has it."""
    return kind(number) if number in set(kind) else number  # type: ignore[return-value]
