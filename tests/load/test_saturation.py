import socket
import time
from itertools import chain

import pytest

from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.run import Result
from pricetime.load.run_file import Step
from pricetime.load.saturation import CLOSE, MOST_STEPS, Search, _take, judge, saturate
from tests.load.stub import Stub, answer
from tests.load.test_run import flow


def search(highest: float, begin: float) -> Search:
    """The steps where every rate up to the highest is good."""
    found = Search(1_000)
    while (rate := found.next_rate(begin)) is not None:
        found.steps.append(
            Step(rate=rate, sent_per_s=rate, answered_per_s=rate, p50=1, p99=1, p99_9=1, max=1, good=rate <= highest)
        )
    return found


@pytest.mark.parametrize("begin", [1_000.0, 100_000.0, 777_777.0, 10_000_000.0])
def test_the_search_comes_close_within_its_steps(begin: float) -> None:
    found = search(800_000, begin)
    assert len(found.steps) <= MOST_STEPS
    assert 800_000 / CLOSE**2 <= found.highest_rate <= 800_000
    rates = [step.rate for step in found.steps]
    assert len(set(rates)) == len(rates)


def test_a_search_without_an_end_has_one() -> None:
    assert len(search(1e99, 1).steps) == MOST_STEPS
    nothing = search(0, 1_000)
    assert len(nothing.steps) == MOST_STEPS
    assert nothing.highest_rate == 0


def test_a_step_is_good_when_it_is_whole_reached_and_quick() -> None:
    from pricetime.load.load import Pace
    from pricetime.native.histogram import Histogram

    slow = Histogram()
    slow.record_many([100] * 985 + [5_000] * 15)
    quick = Histogram()
    quick.record_many([100] * 995 + [5_000] * 5)

    def result(histogram: Histogram, *, complete: bool = True, reached: bool = True) -> Result:
        return Result(Pace(1), 1, complete=complete, reached=reached, latencies={"rests": histogram})

    assert judge(result(quick), 1_000, 1).good
    assert not judge(result(slow), 1_000, 1).good
    assert not judge(result(quick, complete=False), 1_000, 1).good
    assert not judge(result(quick, reached=False), 1_000, 1).good
    top = 5_003  # of the bucket of 5,000
    step = judge(result(slow), 6_000, 1)
    assert (step.p50, step.p99, step.p99_9, step.max, step.good) == (100, top, top, top, True)


def test_steps_take_the_flow_without_a_gap() -> None:
    plans = flow(1_000, chunk=130)
    pieces = []
    for orders in (1, 129, 400, 100, 1_000):
        taken, rest = _take(plans, orders)
        pieces += taken
        plans = chain(rest, plans)
    assert sum(plan.count for plan in pieces) == 1_000
    whole = b"".join(plan.data.tobytes() for plan in flow(1_000, chunk=130))
    assert b"".join(plan.data.tobytes() for plan in pieces) == whole


@pytest.mark.compiled
def test_the_highest_rate_of_an_exchange_of_known_speed() -> None:
    """It takes 5,000 orders a second: rates far above are not good, a rate far below may be."""

    def slow(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        if number % 50 == 49:
            time.sleep(0.01)
        return answer(connection, number, kind, order_id)

    steps: list[Step] = []
    with Stub(slow) as stub, Load("127.0.0.1", stub.port, 1) as load:
        _, plans = make_plans("balanced", 2**40, 1, chunk=1_000)
        found = saturate(load, plans, begin=1_000, seconds=0.3, limit_p99_ns=10**8, on_step=steps.append)
        load.leave()
    assert found.steps == steps
    assert found.highest_rate < 8_000
    assert any(step.rate > 8_000 or not step.good for step in steps)
    assert found.last is not None
    assert found.last.failure is None
    if found.highest_rate:
        assert found.best is not None
        assert found.best.asked == pytest.approx(found.highest_rate)


@pytest.mark.compiled
def test_a_search_ends_with_the_exchange_and_with_the_flow() -> None:
    def dies(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        if number == 1_500:
            connection.close()
        return answer(connection, number, kind, order_id)

    with Stub(dies) as stub, Load("127.0.0.1", stub.port, 1) as load:
        found = saturate(load, flow(100_000), begin=1_000, seconds=1, limit_p99_ns=10**10)
    assert len(found.steps) == 1
    assert found.last is not None
    assert found.last.failure is not None
    with Stub() as stub, Load("127.0.0.1", stub.port, 1) as load:
        found = saturate(load, flow(300), begin=1_000, seconds=0.2, limit_p99_ns=10**10)
    assert [step.rate for step in found.steps] == [1_000, 2_000]
