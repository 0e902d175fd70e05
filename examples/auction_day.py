"""A day that begins with an auction, and why an order did not trade: python examples/auction_day.py

Orders are generated from a seed. The book has the rules that this flow is made for.
"""

from __future__ import annotations

from pricetime import OrderBook, ReportKind
from pricetime.tape.flow import PRESETS, generate, prelude

flow = PRESETS["auction-day"]
book = OrderBook(venue=flow.venue)
for commands in prelude(flow):
    book.apply(commands)

for commands in generate(flow, 14_000, chunk=100):
    reports = book.apply(commands)
    for report in reports[reports["kind"] == ReportKind.UNCROSSED]:
        print(f"auction at {report['price']}: {report['quantity']} lots")

waiting = commands["order_id"][commands["type"] == 1]
order_id = next(int(number) for number in waiting if int(number) in book)
print(f"phase {book.phase.name}, best bid {book.best_bid}, best ask {book.best_ask}")
print(book.explain(order_id))
