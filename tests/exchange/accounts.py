"""What follows from reports: an owner's open orders from its stream, and that streams and feed tell the same."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricetime import Engine
from pricetime.exchange.state.router import PUBLIC_REASONS
from pricetime.types import REPORT, Reason, ReportKind

(
    ACCEPTED,
    TRADE,
    CANCELLED,
    REPLACED,
    REDUCED,
    _,
    REJECTED,
    MASS_CANCELLED,
    PHASE_CHANGED,
    OPEN_ORDER,
    OPEN_ORDERS_END,
) = list(ReportKind)[:11]
ORDER_ID = 2**48 - 1

#: An order: instrument and id; side, price, quantity.
Open = dict[tuple[int, int], list[int]]


def as_array(reports: Iterable[Any]) -> NDArray[np.void]:
    """Messages as an array of ``REPORT``."""
    return np.array([tuple(report) for report in reports], REPORT)


def open_orders(stream: NDArray[np.void]) -> Open:
    """The open orders of an owner, as its own stream tells them."""
    found: Open = {}
    for _, kind, side, _, instrument, _, order_id, _, price, quantity in stream.tolist():
        key = (instrument, order_id)
        if kind == ACCEPTED:
            assert key not in found
            found[key] = [side, price, quantity]
        elif kind == REPLACED:
            assert found[key][0] == side
            found[key][1:] = price, quantity
        elif kind == ReportKind.TRIGGERED:
            found[key][1] = price
        elif kind == ReportKind.HIDDEN:
            found[key][2] += quantity
        elif kind in {TRADE, REDUCED, CANCELLED, ReportKind.EXPIRED}:
            order = found[key]
            assert order[0] == side
            order[2] -= quantity
            assert order[2] >= 0
            if kind in {CANCELLED, ReportKind.EXPIRED}:
                assert order[2] == 0
            if order[2] == 0:
                del found[key]
    return found


def engine_orders(engine: Engine) -> dict[int, Open]:
    """The same of all owners, from the books."""
    found: dict[int, Open] = {}
    for order in engine.dump().resting:
        number, order_id = int(order["instrument"]), int(order["order_id"])
        values = [int(order[name]) for name in ("side", "price", "remaining")]
        found.setdefault(order_id >> 48, {})[number, order_id & ORDER_ID] = values
    return found


def displayed_orders(engine: Engine) -> dict[int, Open]:
    """Those that the market sees, also while an order waits for its extension."""
    found: dict[int, Open] = {}
    for number in engine.instruments:
        for order in engine.book(number):
            mine = found.setdefault(order.id >> 48, {})
            mine[number, order.id & ORDER_ID] = [order.side, order.price, order.quantity]
    return found


#: Kinds of reports in a stream whose maker id is the hidden part of the quantity.
HIDING = [CANCELLED, REDUCED, ReportKind.EXPIRED, ReportKind.TRIGGERED]


def is_public(own: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which reports of a stream the feed has too."""
    hidden = np.isin(own["kind"], HIDING) & (own["maker_id"] == own["quantity"])
    public: NDArray[np.bool_] = ~hidden & (own["reason"] != Reason.WAITS) & (own["kind"] != ReportKind.HIDDEN)
    return public


def check_streams(streams: Mapping[int, NDArray[np.void]], feed: NDArray[np.void]) -> None:
    """Each owner's stream has what the feed has of its orders, in this order, with its own ids for the references."""
    assert feed["seq_num"].tolist() == list(range(1, len(feed) + 1))
    feed = feed[feed["kind"] != PHASE_CHANGED]
    told = 0
    entered = np.concatenate([s["maker_id"][s["kind"] == ACCEPTED] for s in streams.values()])
    assert sorted(entered.tolist()) == list(range(1, len(entered) + 1)), "each order has the next reference"
    assert not set(feed["reason"].tolist()) - {0, *PUBLIC_REASONS}
    for stream in streams.values():
        assert stream["seq_num"].tolist() == list(range(1, len(stream) + 1))
        assert set(stream["type"].tolist()) <= {16}
        own = stream[~np.isin(stream["kind"], [REJECTED, MASS_CANCELLED, OPEN_ORDER, OPEN_ORDERS_END])]
        accepted = own[own["kind"] == ACCEPTED]
        ids = dict(zip(accepted["maker_id"].tolist(), accepted["order_id"].tolist(), strict=True))
        own = own[is_public(own)]
        as_maker = own["reason"] == Reason.AS_MAKER
        told += int((~as_maker).sum())
        hidden = np.array(list(ids), np.uint64)
        of_mine = feed[np.isin(feed["order_id"], hidden)]
        same(own[~as_maker], of_mine, ids, "order_id")
        mine_made = feed[np.isin(feed["maker_id"], hidden) & (feed["kind"] == TRADE)]
        same(own[as_maker], mine_made, ids, "maker_id")
    assert told == len(feed), "the feed has a report that no owner received"


def same(own: NDArray[np.void], public: NDArray[np.void], ids: Mapping[int, int], field: str) -> None:
    """Reports of a stream, and those of the feed that they are copies of."""
    assert len(own) == len(public)
    as_maker = field == "maker_id"
    for name in ("kind", "instrument", "price"):
        assert np.array_equal(own[name], public[name]), name
    hiding = np.isin(own["kind"], HIDING)
    shown = own["quantity"] - np.where(hiding, own["maker_id"], 0)
    accepted = own["kind"] == ACCEPTED  # their hidden part is not told: it follows from the order
    assert np.array_equal(shown[~accepted], public["quantity"][~accepted])
    assert (shown[accepted] >= public["quantity"][accepted]).all()
    assert np.array_equal(own["side"], 3 - public["side"] if as_maker else public["side"])
    assert own["order_id"].tolist() == [ids[number] for number in public[field].tolist()]
    if as_maker:
        assert np.array_equal(own["maker_id"], public["order_id"])
    else:
        assert np.array_equal(np.where(np.isin(own["reason"], PUBLIC_REASONS), own["reason"], 0), public["reason"])
        trades = own["kind"] == TRADE
        assert np.array_equal(own["maker_id"][trades], public["maker_id"][trades])
        entered = (own["kind"] == ACCEPTED) | (own["kind"] == REPLACED)
        assert np.array_equal(own["maker_id"][entered], public["order_id"][entered])
        assert not own["maker_id"][~trades & ~entered & ~hiding].any()
