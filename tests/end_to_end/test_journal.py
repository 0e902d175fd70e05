"""A real server with a journal: stopped and started again, and what it ends with if the journal fails."""

import signal
import time
from pathlib import Path

import pytest

from pricetime import ASK, BID
from pricetime.client.client import Client
from pricetime.errors import InstrumentHalted, PricetimeError
from pricetime.load.server import ServerProcess
from pricetime.types import ReportKind
from tests.end_to_end.test_server import SMALL, start

pytestmark = pytest.mark.compiled


def options(folder: Path, *more: str) -> list[str]:
    return ["--open", "--journal", str(folder), "--segment-bytes", "65536", *more, *SMALL]


def kill(server: ServerProcess) -> None:
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(30)


@pytest.mark.parametrize("level", ["memory", "durable"])
def test_stopped_and_started(level: str, tmp_path: Path) -> None:
    folder = tmp_path / "j"
    with ServerProcess(*options(folder, "--acknowledge", level)) as server:
        serving = server.last("serving")
        assert (serving["journal"], serving["acknowledge"]) == (str(folder), level)
        with Client(server.host, server.port, owner=1, keep_orders=True) as client:
            for n in range(100):
                client.add_order(n, BID, 100 + n % 7, 5).result(5)
            client.cancel_order(50).result(5)
        stopped = server.stop()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    with ServerProcess(*options(folder)) as server:
        recovered = server.last("recovered")
        assert (recovered["snapshot"], recovered["replayed"], recovered["orders"]) == (101, 0, 99)
        assert recovered["digest"] == stopped["digest"]
        assert server.last("serving")["epoch"] == serving["epoch"]
        with Client(server.host, server.port, owner=1, resume_from=100) as client:
            assert [report.kind for report in client.reports(0.5)] == [ReportKind.ACCEPTED, ReportKind.CANCELLED]
            assert client.add_order(50, ASK, 200, 5).result(5).seq_num == 102
        server.stop()


def test_a_snapshot_when_it_is_asked_for(tmp_path: Path) -> None:
    with ServerProcess(*options(tmp_path / "j")) as server:
        with Client(server.host, server.port, owner=1, keep_orders=True) as client:
            client.add_order(1, BID, 1, 1).result(5)
            server.process.send_signal(signal.SIGUSR1)
            assert server.wait_for("snapshot", 30)["sequence"] == 1
        kill(server)
    with ServerProcess(*options(tmp_path / "j")) as server:
        assert server.last("recovered")["snapshot"] == 1
        server.stop()
    with ServerProcess("--open", *SMALL) as server:
        server.process.send_signal(signal.SIGUSR1)
        server.wait_for("no snapshot: there is no journal", 30)
        server.stop()


def test_a_halt_stays_and_settings_go_on(tmp_path: Path) -> None:
    """A new instrument, and one that the settings halt: commands do both, and all clients and subscribers see them."""
    both = ("--instrument", "id=1", "--instrument", "id=2,phase=halted")
    with ServerProcess(*options(tmp_path / "j", "--instrument", "id=1")) as server:
        with Client(server.host, server.port, owner=1, keep_orders=True) as client:
            client.add_order(1, BID, 10, 5).result(5)
        server.stop()
    for _ in range(2):
        with ServerProcess(*options(tmp_path / "j", *both)) as server:
            client = Client(server.host, server.port, owner=1, keep_orders=True)
            with client, pytest.raises(InstrumentHalted):
                client.add_order(7, BID, 10, 5, instrument=2).result(5)
            server.stop()
    assert not server.last("configuration changed")
    assert not server.last("instrument phase")
    code, lines = start(*options(tmp_path / "j", "--instrument", "id=2"))
    assert (code, len(lines)) == (2, 1)
    assert "1 resting orders" in lines[0]


def test_a_journal_that_fails_ends_it_with_3(tmp_path: Path) -> None:
    """The folder goes away beneath the server: the next segment cannot be made."""
    folder = tmp_path / "j"
    with ServerProcess(*options(folder, "--acknowledge", "durable")) as server:
        with Client(server.host, server.port, owner=1, keep_orders=True, retries=0) as client:
            client.add_order(1, BID, 100, 5).result(5)
            folder.rename(tmp_path / "gone")
            began = time.monotonic()
            n = 2
            while server.process.poll() is None and time.monotonic() - began < 30:
                try:
                    client.add_order(n, BID, 100, 5).result(5)
                except (PricetimeError, TimeoutError, OSError):
                    break
                n += 1
        assert server.process.wait(30) == 3
        said = server.wait_for("journal failed: the server acknowledges no command", 30)
        assert str(folder) in said["failure"]
        assert server.last("stopped")["drained"] is False
    with ServerProcess(*options(tmp_path / "gone")) as server:
        assert server.last("recovered")["orders"] >= n - 1
        server.stop()
