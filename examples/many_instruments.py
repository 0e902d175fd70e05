"""Match orders of many instruments in one engine; each instrument has its own rules.

python examples/many_instruments.py
"""

from __future__ import annotations

import numpy as np

from pricetime import (
    ASK,
    BID,
    COMMAND,
    CommandType,
    Engine,
    Instrument,
    Reason,
    ReplacePolicy,
    ReportKind,
    SelfTrade,
)

INSTRUMENTS = [
    Instrument(0, "ESH4", tick_size=25),
    Instrument(1, "AAPL", lot_size=100, self_trade=SelfTrade.CANCEL_OLDEST),
    Instrument(7, "BTC-PERP", replace_policy=ReplacePolicy.ALWAYS_LOSE, order_limit=10_000),
]

#: instrument, side, order id, price, quantity, owner
ORDERS = [
    (0, ASK, 1, 475_025, 2, 0),
    (0, BID, 2, 475_025, 3, 0),
    (0, BID, 3, 475_010, 1, 0),  # not a multiple of the tick size
    (1, ASK, 1, 19_250, 300, 8),  # order ids count per instrument
    (1, BID, 2, 19_250, 100, 8),  # would trade with an order of its owner
    (7, BID, 1, 43_000, 1, 0),
    (9, BID, 1, 100, 1, 0),  # no such instrument
]

engine = Engine(INSTRUMENTS, capacity=100_000)

commands = np.zeros(len(ORDERS), COMMAND)
commands["type"] = CommandType.NEW_ORDER
for field, values in zip(
    ["instrument", "side", "order_id", "price", "quantity", "owner"], zip(*ORDERS, strict=True), strict=True
):
    commands[field] = values

for report in engine.apply(commands):
    known = engine.instruments.get(int(report["instrument"]))
    symbol = known.symbol if known else f"no. {report['instrument']}"
    kind, reason = ReportKind(report["kind"]).name, Reason(report["reason"]).name
    why = "" if reason == "NONE" else f"  {reason}"
    print(f"{report['seq_num']:>2}  {symbol:<9} {kind:<9} order {report['order_id']}, {report['quantity']} lots{why}")

print()
for instrument in engine.instruments.values():
    book = engine.book(instrument.id)
    print(f"{instrument.symbol:<9} {len(book)} orders, bid {book.best_bid}, ask {book.best_ask}")
