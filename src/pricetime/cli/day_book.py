"""The venue of the day in one process: a book, and the reference book, which must give the same reports."""

from __future__ import annotations

from collections.abc import Sequence

import click
import numpy as np

from .. import OrderBook
from ..errors import PricetimeError
from ..reference import ReferenceBook
from ..reference.commands import apply as apply_to_reference
from ..types import COMMAND, ORDER_EXTENSION, CommandArray, CommandType, Instruction, Phase
from .day import RULES, Day, Reports, print_text
from .day_orders import DayOrder

#: More orders than a day has at one time.
MOST_ORDERS = 100_000

#: At an exchange, the id of an order in a book is the owner, above these bits, and the id that the owner gave.
ID_BITS = 48


class BooksDisagree(PricetimeError):
    """The book and the reference book differ: a defect of pricetime."""


class BookVenue:
    """Executes every command in both books. Raises BooksDisagree."""

    def __init__(self) -> None:
        self.book = OrderBook(MOST_ORDERS, venue=RULES)
        self.reports = 0  #: made so far
        self._reference = ReferenceBook(venue=RULES)

    def send(self, orders: Sequence[DayOrder]) -> Reports:
        """Send orders of one owner, in their order."""
        return self._apply(commands_of(orders))

    def begin(self, phase: Phase) -> Reports:
        """Begin a phase."""
        return self._apply(command(CommandType.SET_PHASE, flags=phase))

    def uncross(self, phase: Phase) -> Reports:
        """Trade the auction, and begin the next phase."""
        return self._apply(command(CommandType.UNCROSS, flags=phase))

    def indicate(self) -> Reports:
        """Report where the auction would trade."""
        return self._apply(command(CommandType.INDICATE))

    def expire(self) -> Reports:
        """End the orders for the day."""
        return self._apply(command(CommandType.EXPIRE))

    def depth(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """All bids and asks that the market sees: price, lots, orders, the best first."""
        bids, asks = self.book.depth(len(self.book))
        return bids.tolist(), asks.tolist()

    def digest(self) -> int:
        """The digest of both books. Raises BooksDisagree if they differ."""
        if self.book.digest() != self._reference.digest():
            raise BooksDisagree(f"after {self.reports} equal reports the books differ")
        return self.book.digest()

    def _apply(self, commands: CommandArray) -> Reports:
        reports = self.book.apply(commands)
        if not np.array_equal(reports, apply_to_reference(self._reference, commands, first=self.reports + 1)):
            raise BooksDisagree(f"reports from number {self.reports + 1} on differ from those of the reference book")
        self.reports += len(reports)
        return reports


def show_day(seed: int) -> None:
    """Tell the day. Raises BooksDisagree and DayDiffers."""
    venue = BookVenue()
    click.echo("A day at an exchange, in a book and in the reference book.")
    day = Day(venue, seed)
    day.morning()
    day.afternoon()
    print_text(
        f"Both books have made the same {venue.reports:,} reports, equal in every field, and end with the digest "
        f"{venue.digest():016x}."
    )
    click.echo()


def command(kind: CommandType, *, flags: int = 0) -> CommandArray:
    """One command that is not about an order."""
    made = np.zeros(1, COMMAND)
    made["type"], made["flags"] = kind, flags
    return made


def commands_of(orders: Sequence[DayOrder]) -> CommandArray:
    """Orders as commands. One that needs more fields is followed by its extension."""
    made = np.zeros(2 * len(orders), COMMAND)
    count = 0
    for order in orders:
        row = made[count]
        row["type"], row["side"], row["order_type"] = CommandType.NEW_ORDER, order.side, order.order_type
        row["time_in_force"], row["instructions"] = order.time_in_force, order.instructions
        row["order_id"] = order.owner << ID_BITS | order.id
        row["price"], row["quantity"], row["owner"] = order.price or 0, order.quantity, order.owner
        count += 1
        if order.trigger_price is not None or order.display_quantity is not None:
            row["instructions"] |= Instruction.EXTENDED
            more = made[count : count + 1].view(ORDER_EXTENSION)
            more["type"] = CommandType.ORDER_EXTENSION
            more["trigger_price"], more["display_quantity"] = order.trigger_price or 0, order.display_quantity or 0
            count += 1
    return made[:count]
