"""Replay a day through the book: a recorded tape, or synthetic order flow without an argument.

python examples/replay_tape.py                                # synthetic
python examples/replay_tape.py AAPL_message_10.csv            # LOBSTER, its orderbook file beside it
python examples/replay_tape.py esh4.mbo.dbn.zst               # Databento: needs pip install '.[tape]'
"""

from __future__ import annotations

import sys
from collections import Counter

from pricetime import OrderBook, ReportKind
from pricetime.errors import PricetimeError
from pricetime.tape.flow import generate, prelude
from pricetime.tape.formats import open_replay, orderbook_beside


def replay(path: str) -> None:
    """Match every aggressing order of a tape and compare the fills with those of the tape."""
    tape = open_replay(path, OrderBook, orderbook=orderbook_beside(path))
    outcome = tape.run()
    print(f"{outcome.trades:,} trades of the tape, {outcome.exact:,} of them matched exactly")
    for verdict, count in outcome.verdicts.items():
        print(f"{count:>9,}  {verdict.value}")
    for warning in (*outcome.skipped.named, *tape.warnings()):
        print(f"warning: {warning}")


def synthetic(count: int) -> None:
    """Apply generated orders and count the reports by kind."""
    book = OrderBook()
    for commands in prelude("balanced", seed=1):
        book.apply(commands)
    print(f"{len(book):,} orders rest; {count:,} commands follow")
    kinds: Counter[int] = Counter()
    for commands in generate("balanced", count, seed=1, chunk=10_000):
        kinds.update(book.apply(commands)["kind"].tolist())
    for kind in ReportKind:
        print(f"{kinds[kind]:>9,}  {kind.name.lower()}")
    print(f"{len(book):,} orders rest, bid {book.best_bid}, ask {book.best_ask}")


try:
    if len(sys.argv) > 1:
        replay(sys.argv[1])
    else:
        synthetic(20_000)
except (PricetimeError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
