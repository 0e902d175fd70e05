from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pricetime.load import plan as plan_module
from pricetime.load.plan import Plan, encode, join, made_ahead, make_plans
from pricetime.tape.flow import PRESETS, generate
from pricetime.types import CommandType
from pricetime.wire.bulk import encode_commands
from tests.load.test_run import flow


def ids_of(plan: Plan) -> list[tuple[int, int]]:
    """Session and order id of every message, as they stand in the bytes."""
    starts = np.cumsum(plan.sizes, dtype=np.int64) - plan.sizes
    data = plan.data.tobytes()
    return [
        (session, int.from_bytes(data[start + 8 : start + 16], "little"))
        for session, start in zip(plan.sessions.tolist(), starts.tolist(), strict=True)
    ]


def test_a_plan_is_the_flow_in_its_order() -> None:
    flow = replace(PRESETS["balanced"], owners=3, ids="session")
    (commands,) = generate(flow, 1_000, seed=1)
    _, plans = make_plans("balanced", 1_000, 3, seed=1)
    plan = next(plans)
    assert ids_of(plan) == [(int(order_id >> 32) - 1, int(order_id)) for order_id in commands["order_id"].tolist()]
    commands["instrument"] = 1
    assert plan.data.tobytes() == encode_commands(commands)[0].tobytes()
    assert sum(len(plan.bytes_of(session)) for session in range(3)) == len(plan.data)


def test_the_rest_of_a_plan_is_what_is_not_done() -> None:
    _, plans = make_plans("balanced", 1_000, 3, seed=1)
    plan = next(plans)
    of = [[entry for entry in ids_of(plan) if entry[0] == session] for session in range(3)]
    rest = plan.rest({0: 0, 1: 7, 2: len(of[2])})
    assert rest.count == len(of[0]) + len(of[1]) - 7
    assert [entry for entry in ids_of(rest) if entry[0] == 0] == of[0]
    assert [entry for entry in ids_of(rest) if entry[0] == 1] == of[1][7:]
    assert [entry for entry in ids_of(plan) if entry in set(ids_of(rest))] == ids_of(rest)


def test_of_a_plan_of_which_nothing_is_done_all_is_left() -> None:
    first, _ = make_plans("balanced", 1, 2)
    rest = first.rest({0: 0, 1: 0})
    assert rest.count == first.count
    assert rest.data.tobytes() == first.data.tobytes()


def test_parts_are_the_plan_again() -> None:
    _, plans = make_plans("balanced", 1_000, 2, seed=2)
    plan = next(plans)
    parts = [plan.part(0, 1), plan.part(1, 400), plan.part(400)]
    assert [part.count for part in parts] == [1, 399, 600]
    whole = join(parts)
    assert whole.data.tobytes() == plan.data.tobytes()
    assert ids_of(whole) == ids_of(plan)
    assert plan.part(1_000).count == 0


def test_commands_get_the_instrument() -> None:
    (commands,) = generate(replace(PRESETS["balanced"], owners=1, ids="session"), 10)
    assert encode(commands, 7).data[4] == 7


def test_some_orders_are_made_before_the_first_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_module, "most_made", lambda: 1_000)
    made: list[int] = []
    ready = made_ahead(flow(5_000, chunk=100), made.append)
    assert sum(made) == 1_000
    assert b"".join(plan.data.tobytes() for plan in ready) == next(flow(5_000)).data.tobytes()


def test_there_is_memory_for_some_orders() -> None:
    assert plan_module.most_made() >= 1 << 20


def test_what_goes_wrong_in_making_plans_comes_out() -> None:
    def broken() -> Iterator[Plan]:
        yield from flow(10)
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        made_ahead(broken())


def venue_plans(count: int, *, chunk: int = 1 << 18, **more: int) -> list[Plan]:
    _, plans = make_plans("auction-day", count, 3, seed=1, chunk=chunk, **more)
    return list(plans)


@pytest.mark.parametrize("chunk", [1 << 18, 101, 1])
def test_an_order_and_its_extension_are_one_command(chunk: int) -> None:
    plan = join([plan for plan in venue_plans(2_000, chunk=chunk) if plan.count])
    assert plan.count == 2_000
    assert set(np.unique(plan.sizes)) == {16, 24, 40, 80}
    starts = np.cumsum(plan.sizes, dtype=np.int64) - plan.sizes
    double = starts[plan.sizes == 80]
    assert (plan.data[double] == CommandType.NEW_ORDER).all()
    assert (plan.data[double + 40] == CommandType.ORDER_EXTENSION).all()
    assert (plan.data[starts[plan.sizes == 40] + 33] < 128).all()
    assert not (plan.data[starts] == CommandType.ORDER_EXTENSION).any()
    assert [session for session, order_id in ids_of(plan) if order_id >> 32 != session + 1] == []
    assert plan.data.tobytes() == join(venue_plans(2_000)).data.tobytes()


def test_commands_of_the_exchange_are_left_out() -> None:
    flow = replace(PRESETS["auction-day"], owners=3, ids="session")
    (commands,) = generate(flow, 1_000, seed=1)
    assert np.isin([CommandType.SET_PHASE, CommandType.INDICATE, CommandType.EXPIRE], commands["type"]).all()
    plan = join(venue_plans(400))
    starts = np.cumsum(plan.sizes, dtype=np.int64) - plan.sizes
    assert set(np.unique(plan.data[starts])) <= {1, 2, 3, 4}


def test_expiry_times_count_from_the_start() -> None:
    def expiries(start_ns: int) -> list[int]:
        plan = join(venue_plans(3_000, start_ns=start_ns))
        starts = np.cumsum(plan.sizes, dtype=np.int64) - plan.sizes
        found = [int.from_bytes(plan.data[at + 64 : at + 72].tobytes(), "little") for at in starts[plan.sizes == 80]]
        return [time_ns for time_ns in found if time_ns]

    plain, later = expiries(0), expiries(10**18)
    assert len(plain) > 10
    assert later == [time_ns + 10**18 for time_ns in plain]
