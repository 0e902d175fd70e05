import socket
import time
from collections.abc import Iterator

import pytest

from pricetime.load.load import Load, Pace
from pricetime.load.plan import Plan, make_plans
from pricetime.load.run import Run, above, by_kind, fill
from pricetime.load.run_file import Latency, Moment
from pricetime.native.histogram import Histogram
from tests.load.stub import Stub, answer


def flow(count: int, sessions: int = 1, chunk: int = 1 << 18) -> Iterator[Plan]:
    return make_plans("balanced", count, sessions, seed=1, chunk=chunk)[1]


@pytest.mark.compiled
def test_a_run_and_how_it_went_over_time() -> None:
    samples: list[Moment] = []
    with Stub() as stub, Load("127.0.0.1", stub.port, 2) as load:
        fill(load, next(flow(100, 2)))
        run = Run(load, Pace(5_000), on_sample=samples.append)
        assert run.go(flow(4_000, 2, chunk=300)) == []
        load.leave()
    result = run.result
    assert result.complete
    assert result.failure is None
    assert (result.sent, result.answered, result.asked) == (4_000, 4_000, 5_000)
    assert result.over_time == samples
    assert sum(interval.sent for interval in samples) == sum(interval.answered for interval in samples) == 4_000
    assert [interval.s for interval in samples] == sorted(interval.s for interval in samples)
    assert len(samples) >= 3
    assert sum(histogram.count for histogram in result.latencies.values()) == 4_000
    assert result.seconds >= 3_999 / 5_000
    assert result.started_at <= result.ended_at


@pytest.mark.compiled
def test_a_rate_that_the_exchange_cannot_take() -> None:
    def slow(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        if number % 100 == 99:
            time.sleep(0.05)  # 2,000 a second at the most
        return answer(connection, number, kind, order_id)

    with Stub(slow) as stub, Load("127.0.0.1", stub.port, 1) as load:
        run = Run(load, Pace(20_000))
        run.go(flow(1_000))
    assert run.result.complete
    assert not run.result.reached
    assert run.result.answered_per_s < 2_100 < run.result.asked


@pytest.mark.compiled
def test_a_generator_that_cannot_keep_up_says_so() -> None:
    with Stub() as stub, Load("127.0.0.1", stub.port, 1) as load:
        run = Run(load, Pace(1e9))
        run.go(flow(200_000))
    assert run.result.complete
    assert not run.result.reached
    assert run.result.late > 100_000
    assert run.result.sent_per_s < 1e9


@pytest.mark.compiled
def test_a_hopeless_run_ends_early_and_leaves_the_rest() -> None:
    with Stub() as stub, Load("127.0.0.1", stub.port, 1) as load:
        run = Run(load, Pace(10_000), hopeless=lambda counts: counts.sum() > 1_000)
        left = run.go(flow(100_000, chunk=10_000))
        again = Run(load, Pace(0))
        again.go(iter(left))
        load.leave()
    assert not run.result.complete
    assert run.result.failure is None
    assert 1_000 < run.result.sent == run.result.answered < 90_000
    assert run.result.sent + sum(plan.count for plan in left) == 100_000
    whole = b"".join(plan.data.tobytes() for plan in flow(100_000, chunk=10_000))
    assert whole.endswith(b"".join(plan.data.tobytes() for plan in left))
    assert again.result.complete
    assert again.result.sent == 100_000 - run.result.sent


@pytest.mark.compiled
def test_a_server_that_dies_leaves_what_was_measured() -> None:
    def dies(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        if number == 3_000:
            connection.shutdown(socket.SHUT_RDWR)
        return answer(connection, number, kind, order_id)

    with Stub(dies) as stub, Load("127.0.0.1", stub.port, 1) as load:
        run = Run(load, Pace(10_000))
        run.go(flow(20_000))
    result = run.result
    assert not result.complete
    assert result.failure is not None
    assert result.failure.startswith("owner 1: the ")
    assert 0 < result.answered <= 3_000 <= result.sent < 20_000
    assert by_kind(result.latencies)["all"].count == result.answered


@pytest.mark.compiled
def test_an_exchange_that_falls_silent() -> None:
    def goes_silent(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        return answer(connection, number, kind, order_id) if number < 100 else b""

    with Stub(goes_silent) as stub, Load("127.0.0.1", stub.port, 1) as load:
        load.patience = 0.2
        run = Run(load, Pace(10_000))
        run.go(flow(1_000))
    assert run.result.answered == 100
    assert run.result.failure is not None
    assert run.result.failure.endswith("orders were not answered within 0.2 s")


@pytest.mark.compiled
def test_an_interrupt_leaves_what_was_measured() -> None:
    def interrupted(_: Moment) -> None:
        raise KeyboardInterrupt

    with Stub() as stub, Load("127.0.0.1", stub.port, 1) as load:
        run = Run(load, Pace(5_000), on_sample=interrupted)
        run.go(flow(10_000))
    assert run.result.failure == "interrupted"
    assert not run.result.complete
    assert 0 < run.result.answered < 10_000


def test_figures() -> None:
    histogram = Histogram()
    histogram.record_many(range(1, 1001))
    both = by_kind({"rests": histogram, "cancel": histogram})
    assert both["rests"] == Latency(count=1000, p50=500, p90=900, p99=990, p99_9=999, p99_99=1000, max=1000)
    assert {kind: of.count for kind, of in both.items()} == {
        "all": 2000, "rests": 1000, "trades": 0, "cancel": 1000, "replace": 0, "other": 0,
    }  # fmt: skip
    assert above(2 * histogram.array(), 900) == 200
