import numpy as np

from pricetime.tape.flow.base import Commands, new_orders
from pricetime.tape.flow.mid import Path
from pricetime.tape.flow.pending import NOWHERE, Pending, Plan, cancels_of, merge, pull
from pricetime.types import CommandType, Side


def bids(*ids: int, price: int = 99) -> Commands:
    orders = new_orders(len(ids))
    orders["order_id"] = ids
    orders["side"] = Side.BID
    orders["price"] = price
    orders["quantity"] = 5
    return orders


def plan(due: list[int], *ids: int, since: int = -1, price: int = 99) -> Plan:
    cancels = cancels_of(bids(*ids, price=price))
    return Plan(cancels, np.array(due), np.full(len(due), since), cancels["price"].astype(np.int64))


def taken(commands: Commands) -> list[tuple[int, int]]:
    return sorted(zip(commands["timestamp"].tolist(), commands["order_id"].tolist(), strict=True))


def test_what_is_due_comes_out_once() -> None:
    pending = Pending()
    assert taken(pending.exchange(plan([10, 20, 30], 1, 2, 3), 15)) == [(10, 1)]
    assert taken(pending.exchange(plan([16, 40], 4, 5), 29)) == [(16, 4), (20, 2)]
    assert taken(pending.exchange(plan([]), 50)) == [(30, 3), (40, 5)]
    assert taken(pending.exchange(plan([]), 50)) == []


def test_a_cancel_is_sent_bare() -> None:
    sent = Pending().exchange(plan([1], 7), 1)[0]
    assert (sent["type"], sent["order_id"], sent["side"], sent["price"], sent["quantity"]) == (2, 7, 0, 0, 0)


def test_slots_are_used_again() -> None:
    pending = Pending()
    for block in range(100):
        pending.exchange(plan([10 * block + 15] * 4, *range(4 * block, 4 * block + 4)), 10 * block)
    assert pending.due.size <= 16


def test_the_mid_pulls_forward_what_it_runs_over() -> None:
    rng = np.random.default_rng(1)
    path, times = Path(100, np.array([100, 99, 98])), np.array([10, 20, 30])
    cancels = plan([1_000, 25, 1_000], 1, 2, 3, price=98)
    pull(rng, 1.0, path, times, cancels)
    assert cancels.due.tolist() == [30, 25, 30]
    late = plan([1_000], 4, since=2, price=98)
    pull(rng, 1.0, path, times, late)
    assert late.due.tolist() == [1_000]
    nobody = plan([1_000], 5, price=98)
    pull(rng, 0.0, path, times, nobody)
    assert nobody.due.tolist() == [1_000]


def test_changes_are_not_pulled() -> None:
    changes = bids(1, price=98)
    changes["type"] = CommandType.REPLACE_ORDER
    only = Plan(changes, np.array([1_000]), np.array([-1]), np.array([NOWHERE]))
    pull(np.random.default_rng(1), 1.0, Path(100, np.array([90])), np.array([10]), only)
    assert only.due.tolist() == [1_000]


def test_merge_goes_by_time_and_keeps_the_first_part_first() -> None:
    first, second = bids(1, 2), bids(3, 4)
    first["timestamp"], second["timestamp"] = [5, 9], [5, 7]
    assert merge(first, second)["order_id"].tolist() == [1, 3, 4, 2]
