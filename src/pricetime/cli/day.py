"""A day at an exchange, told step by step: opening auction, continuous trading, an interruption, closing auction.

The day runs on any ``Venue``: a book, or a server with clients. Every number that it tells comes from the reports that
the venue publishes, so the same seed tells the same day on each of them.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import click
import numpy as np
from numpy.typing import NDArray

from ..errors import PricetimeError
from ..prices import in_currency, price_unit
from ..profiles import Venue as Rules
from ..standing import counted
from ..types import Instruction, OrderType, Phase, Reason, ReportKind, Side, TimeInForce
from .day_orders import MID, OWNERS, DayOrder, DayOrders

Reports = NDArray[np.void]

#: Value of one tick in currency, and how a price is written.
UNIT = price_unit("0.01")
price = partial(in_currency, unit=UNIT)

#: A trade farther than this from the last one, in ticks, interrupts trading.
RANGE = 40

#: The rules of the instrument.
RULES = Rules(reference_price=MID, dynamic_range=RANGE)

#: Random orders of the opening, of each part of continuous trading, and of the other two auctions.
OPENING, CONTINUOUS, INTERRUPTED, CLOSING = 400, 2_000, 60, 200

#: Random orders that one owner sends together.
TOGETHER = 50


#: Characters in a line of text, and in front of it.
WIDTH, INDENT = 100, " " * 7


def print_head(time: str, title: str) -> None:
    """Print the time and title of a part."""
    click.secho(f"\n{time}  {title}", bold=True)


def print_text(text: str) -> None:
    """Print a sentence, in lines that fit the terminal."""
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 0)).columns)
    click.echo(textwrap.fill(text, width, initial_indent=INDENT, subsequent_indent=INDENT))


class DayDiffers(PricetimeError):
    """A step of the day had a different result from the one that its rules give."""


class Venue(Protocol):
    """What the day needs of an exchange. Each method returns the reports that it published."""

    def send(self, orders: Sequence[DayOrder]) -> Reports:
        """Send orders of one owner, in their order."""

    def begin(self, phase: Phase) -> Reports:
        """Begin a phase."""

    def uncross(self, phase: Phase) -> Reports:
        """Trade the auction, and begin the next phase."""

    def indicate(self) -> Reports:
        """Publish where the auction would trade."""

    def expire(self) -> Reports:
        """End the orders for the day."""

    def depth(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """All bids and asks that the market sees: price, lots, orders, the best first."""


class Day:
    """Runs the day on a venue. ``say``: takes each sentence; ``head``: takes the time and title of each part."""

    def __init__(
        self,
        venue: Venue,
        seed: int,
        say: Callable[[str], object] = print_text,
        head: Callable[[str, str], object] = print_head,
    ) -> None:
        self._venue, self._say, self._head = venue, say, head
        self._orders = DayOrders(seed)
        self._last = MID  # price of the last trade, in ticks

    def morning(self) -> None:
        """From the opening to continuous trading."""
        self._open()
        self._trade_an_iceberg()
        self._trigger_stops()
        self._trade("11:00")

    def afternoon(self, venue: Venue | None = None) -> None:
        """From the interruption to the end of the day. ``venue``: where the day goes on, if it moves."""
        self._venue = venue or self._venue
        self._interrupt()
        self._trade("16:00")
        self._close()

    # ------------------------------------------------------------------ the opening

    def _open(self) -> None:
        self._head("08:30", "Pre-open: orders are collected and do not trade")
        self._venue.begin(Phase.PRE_OPEN)
        self._flow(OPENING, self._orders.collected)
        bids, asks = self._venue.depth()
        self._say(
            f"{OPENING} orders of {len(OWNERS)} traders arrive. The best buyer pays {price(bids[0][0])}, the best "
            f"seller asks {price(asks[0][0])}: in continuous trading they would trade, now they wait."
        )
        orders = self._orders
        self._venue.send([orders.one(3, Side.ASK, None, 120, instructions=Instruction.AT_THE_CLOSE,
                                     order_type=OrderType.MARKET)])  # fmt: skip
        self._say(
            "Trader 3 sends a market order to sell 120 lots at the close. It waits for the closing auction, unseen by "
            "the market."
        )
        self._head("08:50", "Opening auction: one price for everyone")
        self._venue.begin(Phase.OPENING_AUCTION)
        self._indicate()
        self._venue.send([orders.one(2, Side.BID, None, 150, order_type=OrderType.MARKET)])
        self._say("Trader 2 sends a market order to buy 150 lots. It has no price, and goes first.")
        self._indicate()
        self._uncross("09:00", Phase.CONTINUOUS)
        bids, asks = self._venue.depth()
        self._say(f"Trading is continuous now: bid {price(bids[0][0])}, ask {price(asks[0][0])}.")

    def _indicate(self) -> None:
        """Tell where the auction would trade."""
        found = only(self._venue.indicate(), ReportKind.INDICATIVE)[-1]
        self._say(f"The exchange publishes where the auction would trade: {auction(found)}.")

    def _uncross(self, time: str, phase: Phase) -> Reports:
        """Trade the auction."""
        reports = self._venue.uncross(phase)
        found, trades = only(reports, ReportKind.UNCROSSED)[-1], only(reports, ReportKind.AUCTION_TRADE)
        if total(trades) != found["quantity"] or (trades["price"] != found["price"]).any():
            raise DayDiffers(f"the auction has a volume of {lots(found['quantity'])}, its trades {lots(total(trades))}")
        self._last = int(found["price"])
        self._say(f"{time}: the auction trades {auction(found)}. All {len(trades):,} trades have this price.")
        return reports

    # ------------------------------------------------------------------ continuous trading

    def _trade_an_iceberg(self) -> None:
        self._head("09:10", "An iceberg shows a part of its quantity")
        at = self._venue.depth()[1][0][0]
        self._venue.send([self._orders.one(1, Side.ASK, at, 500, display_quantity=50)])
        self._venue.send([self._orders.one(2, Side.ASK, at, 30)])
        shown = self._venue.depth()[1][0][1]
        self._say(f"Trader 1 sells 500 lots at {price(at)} and displays 50. Trader 2 then sells 30 there.")
        self._say(f"The market sees {shown:,} lots at {price(at)}; 450 more are hidden.")
        wanted = shown + 120
        reports = self._venue.send([self._orders.one(3, Side.BID, at, wanted, time_in_force=TimeInForce.IOC)])
        newest = only(reports, ReportKind.TRADE)["quantity"].tolist()[-4:]
        self._say(
            f"Trader 3 buys {lots(wanted)}, more than the market sees. When a slice of the iceberg is used up, the "
            f"next one joins the back of the queue, {times(len(only(reports, ReportKind.REFRESHED)))} here. The last "
            f"four trades have {listed(newest)} lots."
        )
        self._last = at

    def _trigger_stops(self) -> None:
        self._head("09:40", "Stop orders wait, and trigger each other")
        orders = self._orders
        best = self._venue.depth()[0][0][0]
        self._venue.send(self._bids_below(best))
        bids = self._venue.depth()[0]
        triggers = [best - 4, best - 8, best - 12]
        stops = [
            orders.one(2, Side.ASK, None, lots_down_to(bids, at, at - 4), order_type=OrderType.STOP, trigger_price=at)
            for at in triggers
        ]
        low = best - 2 * RANGE
        self._venue.send(stops)
        self._venue.send([orders.one(4, Side.ASK, low - 10, 60, order_type=OrderType.STOP_LIMIT, trigger_price=low)])
        self._say(
            f"Trader 2 sets three stop orders to sell, at {listed(map(price, triggers))}, and trader 4 a stop-limit "
            f"order at {price(low)}. The feed shows none of them."
        )
        wanted = lots_down_to(bids, best, triggers[0])
        reports = self._venue.send([orders.one(3, Side.ASK, triggers[0], wanted, time_in_force=TimeInForce.IOC)])
        triggered, trades = only(reports, ReportKind.TRIGGERED), only(reports, ReportKind.TRADE)
        ends = trades["price"].tolist()
        self._say(
            f"Trader 3 sells {lots(wanted)} down to {price(triggers[0])}. This one command triggers {len(triggered)} "
            f"stop orders, one after the other: {lots(total(trades))} trade in {len(trades):,} trades, from "
            f"{price(ends[0])} down to {price(ends[-1])}."
        )
        self._last = ends[-1]

    def _bids_below(self, best: int) -> list[DayOrder]:
        """Bids that make the book deep enough for what follows."""
        return [self._orders.one(1, Side.BID, best - 10 * step, 25) for step in range(1, 12)]

    def _trade(self, time: str) -> None:
        """Random orders of all kinds."""
        self._head(time, "Continuous trading with orders of all kinds")
        reports = self._flow(CONTINUOUS, self._orders.continuous)
        trades, stops = only(reports, ReportKind.TRADE), only(reports, ReportKind.TRIGGERED)
        changes = only(reports, ReportKind.PHASE_CHANGED)["quantity"]
        self._say(
            f"{CONTINUOUS:,} orders: {len(trades):,} trades of {lots(total(trades))}, "
            f"{len(only(reports, ReportKind.REFRESHED)):,} slices of icebergs, "
            f"{counted(len(stops), 'triggered stop order')}, "
            f"{counted((changes == Phase.VOLATILITY_AUCTION).sum(), 'volatility interruption')}. The last trade is at "
            f"{price(self._last)}."
        )

    def _flow(self, count: int, make: Callable[[int, int, int], list[DayOrder]]) -> Reports:
        """Random orders, of one owner after the other."""
        made = []
        for number in range(count // TOGETHER):
            reports = self._venue.send(make(OWNERS[number % len(OWNERS)], TOGETHER, self._last))
            if interrupted(reports):
                reports = np.concatenate([reports, self._venue.uncross(Phase.CONTINUOUS)])
            prices = reports["price"][np.isin(reports["kind"], (ReportKind.TRADE, ReportKind.AUCTION_TRADE))]
            self._last = int(prices[-1]) if len(prices) else self._last
            made.append(reports)
        return np.concatenate(made)

    # ------------------------------------------------------------------ the interruption

    def _interrupt(self) -> None:
        self._head("14:30", "A volatility interruption stops a fall")
        before = self._last
        self._venue.send(self._bids_below(before))
        seen = sum(size for _, size, _ in self._venue.depth()[0])
        wanted = -(-3 * seen // 1_000) * 1_000
        reports = self._venue.send([self._orders.one(4, Side.ASK, None, wanted, order_type=OrderType.MARKET)])
        trades = only(reports, ReportKind.TRADE)
        if not interrupted(reports):
            raise DayDiffers("a trade far from the last one has not interrupted trading")
        self._last = int(trades["price"][-1])
        self._say(
            f"The last trade was at {price(before)}. Trader 4 sells {lots(wanted)} at any price: {lots(total(trades))} "
            f"trade, down to {price(self._last)}. The next trade would be more than {price(RANGE)} away from "
            f"{price(before)}, so the exchange stops continuous trading and cancels what is left of the order."
        )
        self._flow_of_the_interruption(before)
        self._indicate()
        self._uncross("14:35", Phase.CONTINUOUS)
        self._say("Trading is continuous again.")

    def _flow_of_the_interruption(self, before: int) -> None:
        middle = (before + self._last) // 2
        for owner in OWNERS:
            self._venue.send(self._orders.collected(owner, INTERRUPTED // len(OWNERS), middle))
        self._say(f"Orders are collected again. {INTERRUPTED} arrive, around {price(middle)}.")

    # ------------------------------------------------------------------ the close

    def _close(self) -> None:
        self._head("17:30", "Closing auction: the price of the day")
        reports = self._venue.begin(Phase.CLOSING_AUCTION)
        joined = len(only(reports, ReportKind.TRIGGERED))
        self._say(f"{joined} order that waited for the close since the morning joins.")
        self._flow(CLOSING, self._orders.collected)
        self._indicate()
        reports = self._uncross("17:35", Phase.CLOSED)
        self._head("17:35", "Closed")
        expired = only(np.concatenate([reports, self._venue.expire()]), ReportKind.EXPIRED)
        bids, asks = self._venue.depth()
        self._say(
            f"{len(expired):,} orders for the day expire. {sum(count for *_, count in (*bids, *asks)):,} others rest "
            f"until they are cancelled. The closing price is {price(self._last)}."
        )


def auction(found: np.void) -> str:
    """Volume, price and surplus of an auction."""
    if found["reason"] == Reason.NO_AUCTION_PRICE:
        return "nothing, because no buyer pays what a seller asks"
    side = {0: "", Side.BID: " to buy", Side.ASK: " to sell"}[int(found["side"])]
    surplus = f"a surplus of {lots(found['maker_id'])}{side}" if found["maker_id"] else "no surplus"
    return f"{lots(found['quantity'])} at {price(found['price'])}, with {surplus}"


def lots(count: int) -> str:
    """A quantity with its unit."""
    return counted(count, "lot")


def only(reports: Reports, kind: ReportKind) -> Reports:
    """The reports of one kind."""
    found: Reports = reports[reports["kind"] == kind]
    return found


def total(reports: Reports) -> int:
    """Sum of their quantities."""
    return sum(reports["quantity"].tolist())


def interrupted(reports: Reports) -> bool:
    """Whether a trade outside the price range has begun an auction."""
    changes = only(reports, ReportKind.PHASE_CHANGED)
    return bool(len(changes) and changes["quantity"][-1] == Phase.VOLATILITY_AUCTION)


def lots_down_to(bids: list[tuple[int, int, int]], first: int, last: int) -> int:
    """The lots that a seller needs to trade at ``last``: those of the bids from ``first`` to above it, and one more."""
    return 1 + sum(size for ticks, size, _ in bids if last < ticks <= first)


def listed(values: object) -> str:
    """Values as a list in a sentence."""
    texts = [str(value) for value in values]  # type: ignore[attr-defined]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def times(count: int) -> str:
    """How often, in words."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
