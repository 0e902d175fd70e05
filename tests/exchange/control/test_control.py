import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from pricetime.exchange.control import commands, secrets
from pricetime.exchange.control import control as module
from pricetime.exchange.control import preflight as preflight_module
from pricetime.exchange.control.control import Control
from pricetime.exchange.control.preflight import preflight
from pricetime.exchange.exchange import Exchange
from pricetime.exchange.settings.admin_socket import connect
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.sources import load
from pricetime.types import CommandType, Phase, Reason
from pricetime.wire.types import AcknowledgementLevel, SessionReason
from tests.exchange.control.test_login import CHALLENGE_BYTES, login
from tests.exchange.control.test_retransmission import ask
from tests.exchange.exchange import FakeExchange
from tests.exchange.loops import Events, receive, until

OPEN: dict[str, Any] = {"port": 0, "recovery_port": 0, "open": True}


class Running:
    """A control side in a thread, and the exchange that it controls."""

    def __init__(self, config: GatewayConfig, exchange: FakeExchange) -> None:
        self.exchange = exchange
        self.events = Events()
        self.prepared = preflight(config)
        self.orders = self.prepared.orders.getsockname()
        self.recovery = self.prepared.recovery.getsockname()
        self.control = Control(config, self.prepared, cast(Exchange, exchange), self.events.log)
        self.codes: list[int] = []
        self._thread = threading.Thread(target=lambda: self.codes.append(self.control.run()))
        self._thread.start()
        until(lambda: self.events.of("serving"))

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function in the event loop, as a signal handler does."""
        self.control._loop.call_soon_threadsafe(function, *arguments)

    def end(self, why: str = "SIGTERM") -> int:
        if self._thread.is_alive():
            self.call(self.control._stop, why)
        self._thread.join()
        self.prepared.close()
        self.exchange.close()
        self.exchange.fds.clear()
        return self.codes[0]


@contextmanager
def serving(config: GatewayConfig | None = None, exchange: FakeExchange | None = None) -> Iterator[Running]:
    running = Running(config or GatewayConfig(**OPEN), exchange or FakeExchange())
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight_module, "COMPILED", True)


def test_what_it_says_at_the_start() -> None:
    with serving() as running:
        said = running.events.of("serving")[0]
        assert said["port"] == running.orders[1]
        assert said["recovery_port"] == running.recovery[1]
        assert (said["feed_group"], said["feed_port"]) == ("239.255.77.1", 7003)
        assert said["owners"] is None
        assert running.events.of("open")


def test_clients_and_subscribers_are_served_until_it_is_stopped() -> None:
    with serving() as running:
        client = socket.create_connection(running.orders)
        receive(client, CHALLENGE_BYTES)
        client.sendall(login(b""))
        until(lambda: running.exchange.told)
        with socket.create_connection(running.recovery) as subscriber:
            assert ask(subscriber, 101, 2)[1] == [101, 102]
            assert running.end() == 0
            client.close()
    assert running.exchange.told == [("admit", 7, 0, 0), "begin_stop", ("wait_drained", 5.0)]
    said = running.events.all()
    assert [event["event"] for event in said if event["event"] != "recovery connection ended"][-3:] == [
        "stopping",
        "stats",
        "stopped",
    ]
    assert running.events.of("stopping")[0]["reason"] == "SIGTERM"
    assert running.events.of("stopped")[0]["last_sequence"] == 20_000
    assert running.events.of("stats")[0]["commands"] == 5
    for address in (running.orders, running.recovery):
        with pytest.raises(OSError):
            socket.create_connection(address)


def test_metrics_are_served_from_the_start_to_the_end() -> None:
    pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")
    exchange = FakeExchange()
    exchange.report_counts = lambda: {(7, 9): 3}  # type: ignore[method-assign]
    with serving(GatewayConfig(**OPEN, metrics_port=0), exchange) as running:
        port = running.events.of("serving")[0]["metrics_port"]
        with socket.create_connection(("127.0.0.1", port)) as scraper:
            scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            page = receive(scraper, 1 << 20).decode()
        assert 'pricetime_reports_total{kind="rejected",reason="unknown_order"} 3.0' in page
        assert "pricetime_commands_total 5.0" in page
        assert running.end() == 0
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", port))
    with serving() as running:
        assert running.events.of("serving")[0]["metrics_port"] is None


def test_what_cannot_be_drained_is_said() -> None:
    exchange = FakeExchange()
    exchange.drains = False
    with serving(exchange=exchange) as running:
        assert running.end() == 1
    assert running.events.of("stopped")[0]["drained"] is False


def test_an_exchange_that_fails_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_S", 0.001)
    with serving() as running:
        running.exchange.failure = "the matcher ended"
        until(lambda: running.codes)
        assert running.codes == [1]
    assert running.events.of("failed")[0]["failure"] == "the matcher ended"
    assert running.events.of("stopping")[0]["reason"] == "failure"


def test_a_journal_that_fails_has_an_exit_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_S", 0.001)
    exchange = FakeExchange()
    exchange.drains = False
    with serving(exchange=exchange) as running:
        exchange.journal_failure = exchange.failure = "journal/: syncing 00000001.journal failed: Input/output error"
        until(lambda: running.codes)
        assert running.codes == [3]
    (said,) = running.events.of("journal failed: the server acknowledges no command")
    assert "syncing 00000001.journal" in said["failure"]


def test_a_snapshot_is_asked_for() -> None:
    with serving() as running:
        running.call(running.control._want_snapshot)
        until(lambda: running.events.of("no snapshot: there is no journal"))
        running.exchange.level = AcknowledgementLevel.MEMORY
        running.call(running.control._want_snapshot)
        until(lambda: running.exchange.told == ["want_snapshot"] * 2)
        assert running.events.of("serving")[0]["acknowledge"] == "volatile"


def test_states_that_are_others_than_in_the_settings_are_brought_about() -> None:
    exchange = FakeExchange()
    exchange.phases = {1: Phase.HALTED}
    with serving(exchange=exchange) as running:
        until(lambda: running.events.of("instrument phase"))
        assert running.exchange.told == [("set_phase", 1, "CONTINUOUS")]
        assert running.events.of("instrument phase")[0]["phase"] == "CONTINUOUS"


def test_the_counters_are_logged_at_intervals() -> None:
    with serving(GatewayConfig(**OPEN, stats_interval_ms=1)) as running:
        until(lambda: len(running.events.of("stats")) > 2)


def test_session_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_S", 0.001)
    with serving() as running:
        running.exchange.events = [(1, 7, 0, 5, 1), (2, 7, 10, 6, 99), (3, 8, 4, 7, 0)]
        until(lambda: running.events.of("login rejected"))
        assert running.control._login_handler.counts["ended: SLOW_READER"] == 1
        assert running.control._login_handler.counts["rejected: SEQUENCE_GONE"] == 1
    (began,), (ended,) = running.events.of("session began"), running.events.of("session ended")
    assert (began["owner"], began["reason"]) == (7, "NO_REASON")
    assert (ended["reason"], ended["next_sequence"]) == ("SLOW_READER", 99)


def test_the_settings_are_an_event_where_machines_read() -> None:
    with serving() as running:
        (said,) = running.events.of("settings")
    assert said["host"] == "127.0.0.1"
    assert said["instruments"][0]["symbol"] == "DEMO"


def write(file: Path, phase: str, more: str = "") -> None:
    file.write_text(f'{more}\n[[instruments]]\nid = 1\n[[instruments]]\nid = 2\nphase = "{phase}"\n')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "exchange.toml", "continuous")
    return tmp_path / "exchange.toml"


def test_states_are_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "POLL_S", 0.0)
    with serving(load(file, OPEN)) as running:
        running.exchange.full = 3
        write(file, "halted")
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("instrument phase"))
        running.call(running.control._begin_reload)  # once more changes nothing
        until(lambda: len(running.events.of("reloaded")) == 2)
        write(file, "continuous", "mtu = 9000")
        running.call(running.control._begin_reload)
        until(lambda: len(running.events.of("instrument phase")) == 2)
    assert running.exchange.told[:2] == [("set_phase", 2, "HALTED"), ("set_phase", 2, "CONTINUOUS")]
    assert running.events.of("settings need a restart")[0]["changed"] == ["mtu"]


def test_what_the_operator_halted_stays_so_when_the_settings_are_read_again(file: Path) -> None:
    with serving(load(file, OPEN)) as running:
        asyncio.run_coroutine_threadsafe(
            running.control._operator.do({"command": "halt", "instrument": 1}), running.control._loop
        ).result(30)
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("reloaded"))
        write(file, "halted")  # of the other instrument
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("instrument phase"))
    assert running.exchange.told[:3] == [("set_phase", 1, "HALTED"), ("set_phase", 2, "HALTED"), "begin_stop"]


def test_a_phase_that_the_exchange_rejects(file: Path) -> None:
    exchange = FakeExchange()
    exchange.phases[1] = Phase.PRE_OPEN
    exchange.rejects = {CommandType.SET_PHASE: Reason.MUST_UNCROSS}
    with serving(load(file, OPEN), exchange) as running:
        until(lambda: running.events.of("instrument phase not set"))
        (said,) = running.events.of("instrument phase not set")
    assert (said["instrument"], said["phase"], said["rejected"]) == (1, "CONTINUOUS", "MUST_UNCROSS")


def test_a_schedule_runs_from_the_start(tmp_path: Path) -> None:
    file = tmp_path / "exchange.toml"
    file.write_text('[[instruments]]\nid = 1\nschedule = ["mon-sun 00:00 closed"]\n[[instruments]]\nid = 2\n')
    with serving(load(file, OPEN)) as running:
        until(lambda: running.events.of("schedule"))
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("reloaded"))
    assert running.exchange.told[:1] == [("set_phase", 1, "CLOSED")]
    assert running.exchange.told[1] == "begin_stop", "neither phase is set again"
    assert running.events.of("schedule")[0]["step"] == "mon-sun 00:00 closed"


def test_no_room_for_a_state(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT_S", 0.01)
    with serving(load(file, OPEN)) as running:
        running.exchange.full = 10**6
        write(file, "halted")
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("instrument phase not set"))
        assert "not executed within" in running.events.of("instrument phase not set")[0]["error"]
        running.exchange.full = 0
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("instrument phase"))


def test_new_instruments_and_other_rules_need_a_restart(file: Path) -> None:
    with serving(load(file, OPEN)) as running:
        file.write_text("[[instruments]]\nid = 3\n")
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("new instruments need a restart"))
        file.write_text('[[instruments]]\nid = 1\n[[instruments]]\nid = 2\nschedule = ["09:00 closed"]\n')
        running.call(running.control._begin_reload)
        until(lambda: len(running.events.of("settings need a restart")) == 2)
        assert running.events.of("settings need a restart")[1]["changed"] == ["instruments"]


def test_secrets_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    secrets.add(path, 1)
    with serving(GatewayConfig(port=0, recovery_port=0, secrets_file=path)) as running:
        assert running.events.of("serving")[0]["owners"] == 1
        owner = secrets.add(path, 2)
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("reloaded"))
        assert running.events.of("reloaded")[0]["owners"] == 2
        with socket.create_connection(running.orders) as client:
            client.sendall(login(receive(client, CHALLENGE_BYTES)[8:], owner=2, secret=owner.secret))
            until(lambda: running.exchange.told)
        path.chmod(0o644)  # what is wrong changes nothing
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("reload failed"))
        assert "chmod 600" in running.events.of("reload failed")[0]["error"]
        with socket.create_connection(running.orders) as client:
            client.sendall(login(receive(client, CHALLENGE_BYTES)[8:], owner=2, secret=owner.secret))
            until(lambda: len(running.exchange.told) == 2)


def test_an_owner_whose_secret_has_gone_or_changed_is_logged_out(tmp_path: Path) -> None:
    """Of one that has gone the orders are cancelled, whatever its login asked for."""
    path = tmp_path / "secrets.toml"
    for owner in (1, 2, 3):
        secrets.add(path, owner)
    secrets.add(path, 900, follows=True)
    with serving(GatewayConfig(port=0, recovery_port=0, secrets_file=path)) as running:
        entries = path.read_text().split("\n\n")
        secret_of_2 = next(line for line in entries[1].splitlines() if line.startswith("secret"))
        changed = entries[1].replace(secret_of_2, 'secret = "' + "ab" * 32 + '"')
        path.write_text("\n\n".join([entries[0], changed]))
        running.call(running.control._begin_reload)
        until(lambda: running.events.of("owners logged out"))
        assert running.events.of("owners logged out")[0]["owners"] == [2, 3]
    assert running.exchange.told[:2] == [
        ("remove", 2, "CREDENTIALS_REVOKED", "NONE"),
        ("remove", 3, "CREDENTIALS_REVOKED", "BY_OPERATOR"),
    ]


def test_the_operator_is_served_from_the_start_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "admin.socket"
    with serving(GatewayConfig(**OPEN, admin_socket=path)) as running:
        assert running.events.of("serving")[0]["admin_socket"] == str(path)
        with connect(path) as operator:
            operator.sendall(b'{"command": "block", "owner": 7}\n')
            assert receive(operator, 1 << 16) == b'{"ok": true, "owner": 7, "blocked": true}\n'
        with socket.create_connection(running.orders) as client:
            client.sendall(login(receive(client, CHALLENGE_BYTES)[8:]))
            assert receive(client, 16)[1] == SessionReason.BY_OPERATOR
    assert not path.exists()
    with serving() as running:
        assert running.events.of("serving")[0]["admin_socket"] is None
