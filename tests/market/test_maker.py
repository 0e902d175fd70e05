"""A market maker reacts to the book, to its position, and to the fair value."""

from pricetime.market.batch import Batch
from pricetime.market.book_view import BookView
from pricetime.market.maker import STYLES, MarketMaker, Style
from pricetime.market.trader import seeded
from pricetime.market.working_orders import WorkingOrders
from pricetime.types import CommandType, Side

STYLE = STYLES[1]
EVEN = BookView(((999, 10),), ((1001, 10),))


def quoted(
    book: BookView = EVEN, fair_ticks: float = 1000.0, position: int = 0, style: Style = STYLE
) -> tuple[float, list[int], list[int]]:
    """The centre of the best quotes, and the prices of all quotes of each side, best first, at the first decision."""
    orders, batch = WorkingOrders(), Batch()
    orders.position[1] = position
    MarketMaker(seeded(1), 1, style).act(0.0, book, fair_ticks, orders, batch)
    bids = sorted((order.price for order in orders.of(1, Side.BID)), reverse=True)
    asks = sorted(order.price for order in orders.of(1, Side.ASK))
    assert len(batch) == len(bids) + len(asks)
    return (bids[0] + asks[0]) / 2, bids, asks


def test_it_quotes_both_sides_on_several_levels() -> None:
    _, bids, asks = quoted()
    assert len(bids) == len(asks) == STYLE.levels
    assert bids[0] < asks[0]
    assert bids == list(range(bids[0], bids[0] - STYLE.levels, -1))
    assert asks[0] - bids[0] >= 2 * STYLE.half_spread


def test_it_follows_the_fair_value_and_the_mid() -> None:
    assert quoted(fair_ticks=1010.0)[0] > quoted()[0] + 4
    assert quoted(BookView(((1009, 10),), ((1011, 10),)))[0] > quoted()[0] + 2


def test_it_leans_to_the_side_with_more_lots() -> None:
    heavy_bids, heavy_asks = BookView(((999, 100),), ((1001, 1),)), BookView(((999, 1),), ((1001, 100),))
    assert quoted(heavy_bids)[0] > quoted(heavy_asks)[0]


def test_it_quotes_lower_after_it_has_bought() -> None:
    assert quoted(position=300)[0] < quoted()[0] < quoted(position=-300)[0]


def test_it_quotes_without_a_book() -> None:
    centre, bids, asks = quoted(BookView())
    assert 990 < bids[0] < centre < asks[0] < 1010


def test_it_moves_few_quotes_if_the_price_moves_little() -> None:
    maker, orders = MarketMaker(seeded(1), 1, STYLE), WorkingOrders()
    maker.act(0.0, EVEN, 1000.0, orders, Batch())
    batch = Batch()
    maker.act(10.0, BookView(((1000, 10),), ((1002, 10),)), 1001.0, orders, batch)
    commands = batch.array()
    assert 0 < len(commands) < STYLE.levels
    assert set(commands["type"].tolist()) == {CommandType.REPLACE_ORDER}
    prices = [order.price for side in Side for order in orders.of(1, side)]
    assert len(set(prices)) == 2 * STYLE.levels


def test_the_side_that_moves_away_goes_first() -> None:
    maker, orders = MarketMaker(seeded(1), 1, STYLE), WorkingOrders()
    maker.act(0.0, EVEN, 1000.0, orders, Batch())
    batch = Batch()
    maker.act(10.0, EVEN, 1030.0, orders, batch)
    sides = batch.array()["side"].tolist()
    assert sides == sorted(sides, reverse=True)  # asks, then bids: the price rises


def test_it_decides_at_its_own_pace() -> None:
    maker, orders = MarketMaker(seeded(1), 1, STYLE), WorkingOrders()
    maker.act(0.0, EVEN, 1000.0, orders, Batch())
    batch = Batch()
    maker.act(STYLE.pause_s / 10, EVEN, 1100.0, orders, batch)
    assert len(batch) == 0


def test_a_quote_that_is_nearly_used_up_is_filled_up() -> None:
    maker, orders = MarketMaker(seeded(1), 1, STYLE), WorkingOrders()
    maker.act(0.0, EVEN, 1000.0, orders, Batch())
    best = max(orders.of(1, Side.BID), key=lambda order: order.price)
    best.remaining = 1
    for second in range(1, 20):
        maker.act(second, EVEN, 1000.0, orders, Batch())
    assert all(order.remaining > 1 for order in orders.of(1, Side.BID))
