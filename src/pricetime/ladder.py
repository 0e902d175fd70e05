"""Books as HTML, for notebooks: a ladder with a bar for each level, and a table of the top of several books.

The colours are translucent and the text takes the colour of the page, so both are readable on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from .prices import in_currency

#: Price in ticks, quantity in lots and number of orders of one level.
Level = tuple[int, int, int]

_GREEN, _RED = "rgba(34, 153, 84, 0.35)", "rgba(214, 69, 65, 0.35)"
_TABLE = "border-collapse:collapse;color:inherit;font-variant-numeric:tabular-nums;width:auto;display:table"
_NUMBER = "text-align:right;padding:1px 10px;border:0;white-space:nowrap"
_LEFT = ";text-align:left"
_SPREAD = "border-top:1px solid rgba(128, 128, 128, 0.7)"


def ladder_html(bids: Sequence[Level], asks: Sequence[Level], unit: Decimal, title: str = "") -> str:
    """A ladder with the highest price on top: bid orders and quantity, price, ask quantity and orders. O(levels)."""
    largest = max([level[1] for level in (*bids, *asks)], default=1)
    rows = [_row(level, largest, unit, is_bid=False) for level in reversed(asks)]
    rows += [_row(level, largest, unit, is_bid=True, style=_SPREAD if not at else "") for at, level in enumerate(bids)]
    if not rows:
        rows = [f'<tr><td colspan="5" style="{_NUMBER}">no bids or asks</td></tr>']
    return _table(title, ("orders", "bid", "price", "ask", "orders"), rows, left=True)


def tops_html(rows: Iterable[Sequence[object]], title: str = "") -> str:
    """A table of books, one per row: id, symbol, bid quantity, bid, ask, ask quantity, orders, state."""
    names = ("id", "symbol", "bid lots", "bid", "ask", "ask lots", "orders", "phase")
    cells = ["".join(_cell(escape("" if value is None else str(value))) for value in row) for row in rows]
    return _table(title, names, [f"<tr>{row}</tr>" for row in cells])


def _row(level: Level, largest: int, unit: Decimal, *, is_bid: bool, style: str = "") -> str:
    price, quantity, orders = level
    share = 100 * quantity // largest
    direction, colour = ("left", _GREEN) if is_bid else ("right", _RED)
    bar = f"background:linear-gradient(to {direction},{colour} {share}%,transparent {share}%);min-width:7em"
    if not is_bid:
        bar += _LEFT
    sizes = [_cell(f"{orders:,}", style), _cell(f"{quantity:,}", f"{bar};{style}")]
    empty = [_cell("", style)] * 2
    middle = [_cell(in_currency(price, unit), f"font-weight:bold;{style}")]
    return f"<tr>{''.join(sizes + middle + empty if is_bid else empty + middle + sizes[::-1])}</tr>"


def _cell(text: str, style: str = "") -> str:
    return f'<td style="{_NUMBER};{style}">{text}</td>'


def _table(title: str, names: Iterable[str], rows: Iterable[str], *, left: bool = False) -> str:
    """``left``: the column of asks begins at the left, next to the prices."""
    head = "".join(f'<th style="{_NUMBER}{_LEFT if name == "ask" and left else ""}">{name}</th>' for name in names)
    caption = f'<caption style="text-align:left;caption-side:top">{escape(title)}</caption>' if title else ""
    return f'<table style="{_TABLE}">{caption}<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
