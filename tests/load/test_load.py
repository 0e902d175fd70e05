import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime.errors import InvalidSetting, NeedsCompiled
from pricetime.exchange.control import secrets
from pricetime.load.load import Load, LoadFailed, Pace
from pricetime.load.plan import Plan, make_plans
from pricetime.load.run import total
from pricetime.load.server import ServerProcess
from pricetime.tape.flow import PRESETS
from pricetime.types import Reason, ReportKind
from pricetime.wire.messages import Logout
from pricetime.wire.types import MessageType, SessionReason
from tests.load.stub import Stub, answer, report

SMALL = ("--no-prefault", "--order-capacity", "65536", "--stats-interval-ms", "0")


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    with ServerProcess("--open", *SMALL) as running:
        yield running


@pytest.mark.compiled
@pytest.mark.parametrize("preset", ["balanced", "sweep"])
def test_every_kind_is_counted_as_the_reports_say(server: ServerProcess, preset: str) -> None:
    """Held against every report that came, read once more with NumPy."""
    first, plans = make_plans(PRESETS[preset], 30_000, 3, seed=4)
    with Load(server.host, server.port, 3, keep=2**18) as load:
        load.send(first, measured=False)
        load.wait_answered()
        before = {owner: len(account.reports()) for owner, account in load.accounts.items()}
        for plan in plans:
            load.send(plan)
        load.wait_answered()
        counted = {kind: histogram.count for kind, histogram in load.latencies().items()}
        load.leave()
        again = {kind: histogram.count for kind, histogram in load.latencies().items()}
        reports = [account.reports()[before[owner] :] for owner, account in load.accounts.items()]
        kinds = np.sum([account.kinds for account in load.accounts.values()], axis=0)
    expected = dict.fromkeys(counted, 0)
    for stream in reports:
        for kind, count in expected_kinds(stream).items():
            expected[kind] += count
    assert counted == again == expected
    assert sum(counted.values()) == load.measured.answered == load.measured.sent == 30_000
    assert load.answers == load.sent == first.count + 30_000
    assert min(counted[kind] for kind in ("rests", "trades", "cancel", "other")) > 100
    assert kinds.sum() >= sum(len(stream) for stream in reports)


def expected_kinds(reports: NDArray[np.void]) -> dict[str, int]:
    """What the commands of a stream came to, from its reports: slowly, order by order."""
    found = dict.fromkeys(("rests", "trades", "cancel", "replace", "other"), 0)
    rows = list(zip(reports["kind"].tolist(), reports["reason"].tolist(), reports["order_id"].tolist(), strict=True))
    for at, (kind, reason, order_id) in enumerate(rows):
        if kind == ReportKind.ACCEPTED:
            what = "rests"
            for next_kind, next_reason, next_id in rows[at + 1 :]:
                if next_kind == ReportKind.TRADE and next_reason != Reason.AS_MAKER and next_id == order_id:
                    what = "trades"
                elif next_kind == ReportKind.CANCELLED and next_reason == Reason.IOC_REMAINDER and next_id == order_id:
                    what = "other"
                break
            found[what] += 1
        elif kind in (ReportKind.CANCELLED, ReportKind.REDUCED) and reason == Reason.NONE:
            found["cancel"] += 1
        elif kind == ReportKind.REPLACED:
            found["replace"] += 1
        elif kind in (ReportKind.REJECTED, ReportKind.MASS_CANCELLED):
            found["other"] += 1
    return found


@pytest.mark.compiled
def test_orders_go_out_at_their_rate(server: ServerProcess) -> None:
    """As fast as told, or slower where the machine is busy: never faster, and no order before it is due."""
    first, plans = make_plans("balanced", 2_000, 2, seed=1)
    with Load(server.host, server.port, range(5, 7)) as load:
        assert list(load.accounts) == [5, 6]
        load.send(first, measured=False)
        load.wait_answered()
        start = time.perf_counter()
        end = load.send(next(plans), rate=10_000, start=start)
        assert end == pytest.approx(start + 0.2)
        load.wait_answered()
        measured = load.measured
        assert measured.last_due == pytest.approx(start + 1_999 / 10_000, abs=1e-6)
        assert measured.last_answer >= measured.last_due
        assert measured.last_sent >= measured.last_due
        load.start_anew()
        assert load.measured.sent == 0
        assert total(load.latencies()).count == 0


@pytest.mark.compiled
def test_a_stall_shows_in_every_order_that_it_delayed() -> None:
    """A server that answers nothing for 200 ms at 10,000 orders a second delays 2,000 of them."""

    def stalls(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        if number == 1_000:
            time.sleep(0.2)
        return answer(connection, number, kind, order_id)

    _, plans = make_plans("balanced", 4_000, 1, seed=1)
    with Stub(stalls) as stub, Load("127.0.0.1", stub.port, 1) as load:
        load.send(next(plans), rate=10_000)
        load.wait_answered()
        counts = total(load.latencies())
        load.leave()
    above = {ms: sum_above(counts.array(), ms) for ms in (10, 50, 100, 150)}
    # A slow machine delays others too, so these are the least that there must be.
    assert above[10] >= 1_890
    assert above[50] >= 1_490
    assert above[100] >= 990
    assert above[150] >= 490


def sum_above(counts: NDArray[np.uint64], ms: int) -> int:
    from pricetime.native.histogram import Histogram

    probe = Histogram()
    probe.record_many([ms * 1_000_000])
    return int(counts[int(np.flatnonzero(probe.array())[0]) :].sum())


@pytest.mark.compiled
def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(LoadFailed, match=rf"no exchange at 127.0.0.1:{port}: .*refused.* Start one: pricetime serve"):
        Load("127.0.0.1", port, 1)


@pytest.mark.compiled
def test_a_login_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    file = tmp_path / "secrets.toml"
    known = secrets.add(file, 3)
    with ServerProcess("--secrets-file", str(file), *SMALL) as server:
        with Load(server.host, server.port, [3], secrets={3: known.secret}) as load:
            load.leave()
        with pytest.raises(LoadFailed, match="refused the login of owner 4: BAD_CREDENTIALS: give an owner that"):
            Load(server.host, server.port, [3, 4], secrets={3: known.secret})


@pytest.mark.compiled
def test_a_throttled_session_is_ended_and_why_is_told() -> None:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    first, _ = make_plans("balanced", 1, 1)
    with (
        ServerProcess("--open", "--orders-per-second", "200", *SMALL) as server,
        Load(server.host, server.port, 1) as load,
    ):
        with pytest.raises(LoadFailed, match=r"owner 1: the exchange ended the session: THROTTLE_EXCEEDED: send fewer"):
            send_all(load, first)
        assert load.measured.answered > 200
        assert load.latencies()["other"].count > 90  # after 100 refusals it is over, and the last may come behind that


def send_all(load: Load, plan: Plan, rate: float | None = None) -> None:
    load.send(plan, rate)
    load.wait_answered()


def ends(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
    if number == 500:
        connection.close()
    return answer(connection, number, kind, order_id)


def logs_out(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
    if number == 500:
        return Logout(reason=SessionReason.SHUTDOWN, next_sequence=number + 1).encode()
    return answer(connection, number, kind, order_id)


def loses_one(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
    return b"" if number == 500 else answer(connection, number, kind, order_id)


def answers_another(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
    return answer(connection, number, kind, order_id + (number == 500))


def says_what_it_may_not(connection: socket.socket, number: int, kind: int, order_id: int) -> bytes:
    return bytes([MessageType.CHALLENGE]) + bytes(39) if number == 500 else answer(connection, number, kind, order_id)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (ends, "owner 1: the (exchange closed the connection|connection to the exchange was lost: .*)"),
        (logs_out, "owner 1: the exchange ended the session: SHUTDOWN: the exchange shuts down"),
        (loses_one, "owner 1: received report 502 instead of 501: a report was lost or doubled"),
        (answers_another, r"owner 1: received an answer to order \d+, but \d+ is the next to be answered"),
        (says_what_it_may_not, "owner 1: the exchange sent a message of type 32, which is not allowed here"),
    ],
)
def test_what_goes_wrong_is_told_and_what_was_measured_is_there(behaviour, told: str) -> None:  # type: ignore[no-untyped-def]
    _, plans = make_plans("balanced", 2_000, 1, seed=1)
    with Stub(behaviour) as stub, Load("127.0.0.1", stub.port, 1) as load:
        with pytest.raises(LoadFailed, match=told):
            send_all(load, next(plans), 20_000)
        assert total(load.latencies()).count == load.measured.answered == load.answers <= 500
        assert load.answers > 0 or behaviour is ends  # a reset may destroy what was on its way


@pytest.mark.compiled
def test_answers_that_stay_away() -> None:
    _, plans = make_plans("balanced", 100, 1, seed=1)
    with Stub(lambda *_: b"") as stub, Load("127.0.0.1", stub.port, 1) as load:
        load.patience = 0.2
        load.send(next(plans))
        with pytest.raises(LoadFailed, match=r"100 orders were not answered within 0.2 s"):
            load.wait_answered()


@pytest.mark.compiled
def test_a_session_with_nothing_to_say_is_kept_alive() -> None:
    with Stub(heartbeat_ms=100) as stub, Load("127.0.0.1", stub.port, 1):
        deadline = time.monotonic() + 10
        while stub.heard.count(MessageType.HEARTBEAT) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.compiled
def test_reports_go_on_where_an_owner_was() -> None:
    def from_ten(_: socket.socket, number: int, kind: int, order_id: int) -> bytes:
        return report(ReportKind.REJECTED, order_id, number + 10, Reason.INVALID_PRICE)

    _, plans = make_plans("balanced", 10, 1, seed=1)
    with Stub(from_ten, first_sequence=10) as stub, Load("127.0.0.1", stub.port, 1) as load:
        load.send(next(plans))
        load.wait_answered()
        assert load.accounts[1].next_sequence == 20
        assert load.latencies()["other"].count == 10


@pytest.mark.compiled
def test_settings_that_cannot_be() -> None:
    with pytest.raises(InvalidSetting, match="0 owners: give 1 to 1024 different owners"):
        Load("127.0.0.1", 1, 0)
    with pytest.raises(InvalidSetting, match="2 owners"):
        Load("127.0.0.1", 1, [7, 7])
    _, plans = make_plans("balanced", 10, 3)
    with (
        Stub() as stub,
        Load("127.0.0.1", stub.port, 2) as load,
        pytest.raises(InvalidSetting, match="the plan has 3 sessions, but only 2 are logged in"),
    ):
        load.send(next(plans))


def test_a_pace() -> None:
    assert Pace(1000).orders(2) == 2000
    assert Pace(1000).seconds(500) == 0.5
    ramp = Pace.ramp(1000, 3000, 2)
    assert (ramp.rate, ramp.gain) == (1000, 1000)
    assert ramp.orders(2) == 4000
    assert ramp.seconds(4000) == pytest.approx(2)
    down = Pace.ramp(3000, 1000, 2)
    assert down.seconds(down.orders(2)) == pytest.approx(2)
    assert Pace(0).seconds(10) == 0


def test_the_pure_form_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.load.load.COMPILED", False)
    with pytest.raises(NeedsCompiled, match="the load generator needs the compiled form"):
        Load("127.0.0.1", 1, 1)
