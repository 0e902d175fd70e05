"""Add orders to a book, trade, replace, reduce and cancel.

python examples/first_book.py
"""

from __future__ import annotations

from pricetime import ASK, BID, IOC, OrderBook
from pricetime.errors import PricetimeError


def print_ladder(book: OrderBook) -> None:
    """Print every level, the highest price first: bids left of the price, asks right of it."""
    bids, asks = book.depth(levels=None)
    print(f"{'bid':>8} {'price':>8} {'ask':>8}")
    for level in reversed(asks):
        print(f"{'':8} {level['price']:>8} {level['quantity']:>8}")
    for level in bids:
        print(f"{level['quantity']:>8} {level['price']:>8}")


book = OrderBook()
book.add_order(1, ASK, 101, 10)
book.add_order(2, ASK, 100, 4)
book.add_order(3, ASK, 100, 6)
book.add_order(4, BID, 99, 5)
print("Three asks and a bid rest:")
print_ladder(book)
print(f"Queue position of order 3: {book.queue_position(3)}")

print("\nA bid for 7 lots at 100 fills order 2 and takes half of order 3 behind it:")
for trade in book.add_order(5, BID, 100, 7, time_in_force=IOC).trades:
    print(f"  {trade.quantity} lots at {trade.price} from order {trade.maker_id}")

print("\nReplace order 4 at 98, reduce order 1 by 2 lots, cancel order 3:")
book.replace_order(4, 98, 5)
book.reduce_order(1, 2)
book.cancel_order(3)
print_ladder(book)

print("\nAn invalid call raises an error and changes nothing:")
try:
    book.cancel_order(3)
except PricetimeError as error:
    print(f"  {type(error).__name__}: {error}")
