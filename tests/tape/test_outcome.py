import pytest

from pricetime import ASK, BID, Trade
from pricetime.reference import ReferenceBook
from pricetime.tape.outcome import Fills, Outcome, TapeTrade, Verdict, judge


def told(quantity: int, *fills: tuple[int, int], price: int = 101) -> TapeTrade:
    return TapeTrade(0, 1, 99, BID, price, quantity, fills)


@pytest.fixture
def book() -> ReferenceBook:
    """Asks 1 (3 lots), 2 (4) and 3 (5) queue at 101, 4 (6) at 102."""
    book = ReferenceBook()
    for order_id, price, quantity in ((1, 101, 3), (2, 101, 4), (3, 101, 5), (4, 102, 6)):
        book.add_order(order_id, ASK, price, quantity)
    return book


@pytest.mark.parametrize(
    ("trade", "verdict"),
    [
        (told(2, (1, 2)), Verdict.EXACT),
        (told(8, (1, 3), (2, 4), (3, 1)), Verdict.EXACT),
        (told(7, (2, 4), (1, 3)), Verdict.LISTED),
        (told(8, (1, 3), (3, 1), (2, 4)), Verdict.LISTED),
        (told(8, (1, 3), (2, 1), (3, 1), (2, 3)), Verdict.LISTED),
        (told(4, (1, 2), (2, 2)), Verdict.QUEUE),
        (told(2, (2, 2)), Verdict.QUEUE),
        (told(5, (2, 4), (3, 1)), Verdict.QUEUE),
        (told(3, (1, 1), (2, 1), (3, 1)), Verdict.QUEUE),
        # 1 gives 10 lots where it showed 3, and everything else displayed at 101 is taken.
        (told(19, (2, 4), (3, 5), (1, 10)), Verdict.ICEBERG),
        (told(14, (1, 4), (2, 5), (3, 5)), Verdict.ICEBERG),
        # 1 gives more than it showed although 2 and 3 are still there: its hidden part was behind them.
        (told(5, (1, 5)), Verdict.QUEUE),
        # Beyond what is displayed, but one of those it displays was left out.
        (told(14, (1, 10), (2, 4)), Verdict.QUEUE),
        (told(13, (1, 3), (2, 4), (3, 5), (77, 1)), Verdict.UNKNOWN),
        (told(1, (77, 1)), Verdict.UNKNOWN),
        (told(2, (4, 2), price=102), Verdict.PRICE),
        (told(14, (1, 3), (2, 4), (3, 5), (4, 2), price=102), Verdict.PRICE),
    ],
)
def test_verdicts(book: ReferenceBook, trade: TapeTrade, verdict: Verdict) -> None:
    taken = book.match_order(trade.taker_id, BID, trade.price, trade.quantity).trades
    assert judge(trade, taken, book) is verdict


def test_an_outcome_counts_and_keeps_what_differs() -> None:
    outcome = Outcome()
    trade = told(2, (1, 2))
    ours: Fills = ((2, 2),)
    outcome.add(trade, [Trade(1, 99, 101, 2)], Verdict.EXACT)
    outcome.add(trade, [Trade(1, 99, 101, 2)], Verdict.LISTED)
    outcome.add(trade, [Trade(2, 99, 101, 2)], Verdict.QUEUE)
    assert (outcome.trades, outcome.exact, outcome.differing) == (3, 2, 1)
    assert [(d.trade, d.fills, d.verdict) for d in outcome.differences] == [
        (trade, ((1, 2),), Verdict.LISTED),
        (trade, ours, Verdict.QUEUE),
    ]
