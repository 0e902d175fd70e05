"""Prints the results of a replay: tables, ladders, differences and warnings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import COMPILED
from ..tape.outcome import Difference, Fills, Verdict
from ..types import Side
from .table import Column, Grid, console, figures, print_titled

if TYPE_CHECKING:
    from ..tape.formats import AnyReplay
    from ..tape.market import Levels

#: How many skipped lines are printed.
NAMED = 10


def ladder(title: str, bids: Levels, asks: Levels, price: Callable[[int], str]) -> None:
    """Print a ladder: bids on the left, asks on the right, best first. ``price``: how a price is shown."""
    print_titled(title, levels(bids, asks, price))


def levels(
    bids: Levels, asks: Levels, price: Callable[[int], str], *, title: str | None = None, min_width: int = 0
) -> Grid:
    """The table of a ladder. If it is too wide it leaves out orders first, then quantities."""
    names = {"orders": 2, "quantity": 1, "bid": 0, "ask": 0}
    ordered = ("orders", "quantity", "bid", "ask", "quantity", "orders")
    table = Grid(*(Column(name, names[name], min_width=min_width) for name in ordered), title=title)
    for bid, ask in zip_longest(bids, asks):
        table.add_row(*reversed(_cells(bid, price)), *_cells(ask, price))
    return table


def differences(tape: AnyReplay) -> None:
    """Print every trade in which the book and the tape differ, by reason."""
    out = console()
    for verdict in Verdict:
        found = [difference for difference in tape.outcome.differences if difference.verdict is verdict]
        if found:
            out.print(f"{verdict.value} ({len(found)})", style="bold", soft_wrap=True)
        for difference in found:
            out.print(_difference(difference, tape), soft_wrap=True)
    out.print()


def outcome(tape: AnyReplay, file: Path, orderbook: Path | None, book: str) -> None:
    """Print the result of a replay: trades, how many are exact, how many differ and why, throughput."""
    found = tape.outcome
    title = f"{file.name}{f' with {orderbook.name}' if orderbook else ''}, through {_book_name(book)}"
    table = figures(3)
    table.add_row("records", f"{found.records:,}")
    for fact, count in found.facts.items():
        table.add_row(f"  {fact}", f"{count:,}")
    if found.skipped:
        table.add_row("  skipped because they cannot be used", f"{len(found.skipped):,}")
    table.add_section()
    table.add_row("trades compared", f"{found.trades:,}", style="bold")
    table.add_row("exact", f"{found.exact:,}", _share(found.exact, found.trades), style="bold")
    _verdicts(table, found.verdicts, exact=True)
    table.add_row("differing", f"{found.differing:,}", _share(found.differing, found.trades), style="bold")
    _verdicts(table, found.verdicts, exact=False)
    table.add_section()
    table.add_row("throughput, records/s", f"{found.records / max(found.elapsed_s, 1e-9):,.0f}")
    table.add_row("  seconds", f"{found.elapsed_s:.2f}")
    print_titled(title, table)


def print_warnings(tape: AnyReplay) -> None:
    """Print skipped lines and other warnings to standard error."""
    skipped = tape.outcome.skipped.named
    for what in skipped[:NAMED]:
        click.echo(f"skipped: {what}", err=True)
    if len(skipped) > NAMED:
        click.echo(f"skipped: {len(skipped) - NAMED:,} more", err=True)
    for warning in tape.warnings():
        click.echo(f"warning: {warning}", err=True)


def settings(rows: Iterable[tuple[str, str, str, bool]]) -> None:
    """Print settings: group, name and value; bold if the user gave them."""
    table = Grid(*[Column(wraps=True, justify="left")] * 3)
    last = ""
    for group, name, value, given in rows:
        if group != last:
            table.add_section()
        table.add_row("" if group == last else group, name, value, style="bold" if given else None)
        last = group
    print_titled("settings of this exchange", table)


def price_text(price: int, scale: int) -> str:
    """A price of the tape with at least two decimals."""
    whole, part = divmod(abs(price), scale)
    decimals = str(part).zfill(len(str(scale)) - 1).rstrip("0").ljust(2, "0")
    return f"{'-' if price < 0 else ''}{whole:,}.{decimals}"


def _verdicts(table: Grid, verdicts: Counter[Verdict], *, exact: bool) -> None:
    for verdict in Verdict:
        if verdict.exact is exact and verdicts[verdict]:
            table.add_row(f"  {verdict.value}", f"{verdicts[verdict]:,}")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else ""


def _book_name(book: str) -> str:
    if book == "reference":
        return "ReferenceBook"
    return f"OrderBook, {'compiled' if COMPILED else 'pure form'}"


def _cells(level: tuple[int, int, int] | None, price_of: Callable[[int], str]) -> tuple[str, str, str]:
    """Price, quantity and orders of a level; empty if there is no level."""
    if level is None:
        return "", "", ""
    price, quantity, orders = level
    return price_of(price), f"{quantity:,}", f"{orders:,}"


def _difference(difference: Difference, tape: AnyReplay) -> str:
    trade = difference.trade
    verb = "buys" if trade.side is Side.BID else "sells"
    what = f"{verb} {trade.quantity:,} at {price_text(trade.price, tape.price_scale)}"
    head = f"{tape.clock().text(trade.time_ns)}  number {trade.sequence}: order {trade.taker_id or 'not named'} {what}"
    return f"{head}\n    tape  {_fills(trade.fills, tape)}\n    book  {_fills(difference.fills, tape)}"


def _fills(fills: Fills, tape: AnyReplay) -> str:
    return ", ".join(f"{quantity} of {tape.order_text(order_id)}" for order_id, quantity in fills) or "nothing"
