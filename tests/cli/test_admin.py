"""The operator's command, against a server that runs and against none."""

import json
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")

from pricetime.client.client import Client
from pricetime.client.errors import LoginRefused, SessionEnded
from pricetime.exchange.control import secrets
from pricetime.log.directory import Directory
from pricetime.log.verify import verify
from pricetime.types import Reason, ReportKind, Side, TimeInForce
from tests.cli.run import bad, good, run
from tests.cli.served import served

SECONDS = 30


@pytest.fixture(autouse=True)
def clear(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRICETIME_JOURNAL", "PRICETIME_ADMIN_SOCKET"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.compiled
def test_an_owner_is_stopped_in_one_step(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    admin = ("admin", "--journal", str(journal))
    with served("--open", "--journal", str(journal)) as server:
        with Client(server.host, server.port, owner=7, keep_orders=True) as client:
            for number in range(3):
                client.add_order(number, Side.BID, 100 + number, 5).result(SECONDS)
            lines = good(*admin, "orders", "7").splitlines()
            assert lines[0].split() == ["instrument", "id", "side", "price", "quantity"]
            assert [line.split() for line in lines[1:4]] == [["1", str(n), "bid", str(100 + n), "5"] for n in range(3)]
            assert lines[4] == "owner 7, orders 3"
            assert good(*admin, "sessions").splitlines()[-1] == "sessions 1, blocked none"
            assert good(*admin, "cancel", "7") == "owner 7, open before 3, open after 0\n"
            client.add_order(9, Side.ASK, 200, 5).result(SECONDS)
            assert good(*admin, "kill", "7") == "owner 7, blocked yes, open before 1, open after 0\n"
            with pytest.raises(SessionEnded, match="BY_OPERATOR: the operator logged the owner out"):
                list(client.reports(SECONDS))
        with pytest.raises(LoginRefused, match="BY_OPERATOR"):
            Client(server.host, server.port, owner=7)
        assert good(*admin, "unblock", "7") == "owner 7, blocked no\n"
        with Client(server.host, server.port, owner=7, resume_from=1) as client:
            cancelled = [r for r in client.reports(0.5) if r.kind == ReportKind.CANCELLED]
            assert [r.reason for r in cancelled] == [Reason.BY_OPERATOR] * 4
        assert not [event for event in server.events if event["event"] == "kill"]
        assert [event["command"] for event in server.events if event["event"] == "operator"][-2:] == ["kill", "unblock"]
    assert not journal.with_name(f"{journal.name}.admin").exists()


@pytest.mark.compiled
def test_instruments_snapshots_and_backups(tmp_path: Path) -> None:
    journal, backup = tmp_path / "journal", tmp_path / "backup"
    admin = ("admin", "--journal", str(journal))
    with served("--open", "--journal", str(journal)) as server:
        with Client(server.host, server.port, owner=7, keep_orders=True) as client:
            client.add_order(1, Side.BID, 100, 5).result(SECONDS)
            assert good(*admin, "halt", "1") == "instrument 1, phase halted\n"
            assert client.add_order(2, Side.BID, 100, 5).exception(SECONDS) is not None
            assert good(*admin, "open", "1") == "instrument 1, phase continuous\n"
            client.add_order(3, Side.BID, 100, 5).result(SECONDS)
        snapshot = json.loads(good("admin", "--journal", str(journal), "--json", "snapshot"))
        assert snapshot["ok"]
        assert Path(snapshot["file"]).exists()
        assert good(*admin, "backup", str(backup)).startswith(f"directory {backup}, sequence ")
        assert "exists: give" in bad(*admin, "backup", str(backup), code=2)
        assert "instrument 99 is unknown" in bad(*admin, "halt", "99", code=2)
    found = verify(Directory(backup))
    assert found.faults == []
    with served("--open", "--journal", str(backup)) as server:
        assert server.last("recovered")["orders"] == 2


@pytest.mark.compiled
def test_an_owner_that_is_taken_out_of_the_secrets_is_logged_out(tmp_path: Path) -> None:
    """Its orders go, though its login asked to keep them. Without a journal the socket has a place of its own."""
    file, path = tmp_path / "secrets.toml", tmp_path / "admin.socket"
    owner = secrets.add(file, 7)
    secrets.add(file, 8)
    with served("--secrets-file", str(file), "--admin-socket", str(path)) as server:
        with Client(server.host, server.port, owner=7, secret=owner.secret, keep_orders=True) as client:
            client.add_order(1, Side.BID, 100, 5).result(SECONDS)
            text = file.read_text()
            file.write_text(text[text.index("[owners.8]") :])
            server.process.send_signal(1)
            with pytest.raises(SessionEnded, match="CREDENTIALS_REVOKED: the owner's secret was removed or changed"):
                list(client.reports(SECONDS))
        assert server.wait_for("owners logged out", SECONDS)["owners"] == [7]
        with pytest.raises(LoginRefused, match="BAD_CREDENTIALS"):
            Client(server.host, server.port, owner=7, secret=owner.secret)
        assert good("admin", "--socket", str(path), "orders", "7") == "owner 7, orders 0\n"
        assert "there is no journal" in bad("admin", "--socket", str(path), "snapshot", code=2)


def test_there_is_no_server(tmp_path: Path) -> None:
    assert bad("admin", "sessions", code=2).startswith("Error: no server given: give --journal with its journal's dir")
    for options in (("--journal", str(tmp_path / "journal")), ("--socket", str(tmp_path / "journal.admin"))):
        assert bad("admin", *options, "sessions", code=2) == (
            f"Error: {tmp_path}/journal.admin: no server listens here: check the path, and that the server runs with "
            "--journal or --admin-socket"
        )
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "journal.admin"))
    assert "no server listens here" in bad("admin", "--journal", str(tmp_path / "journal"), "sessions", code=2)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to everything")
def test_another_user_may_not(tmp_path: Path) -> None:
    path = tmp_path / "admin.socket"
    with socket.create_server(str(path), family=socket.AF_UNIX):
        path.chmod(0)
        assert bad("admin", "--socket", str(path), "sessions", code=2) == (
            f"Error: {path}: permission denied: run this as the user that runs the server, or as root"
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cancel", "0"), "0 is not in the range 1<=x<=65535"),
        (("kill", "seven"), "'seven' is not a valid integer"),
        (("halt",), "Missing argument 'INSTRUMENT'"),
        (("stop",), "No such command 'stop'"),
        (("phase", "1", "auction"), "'auction' is not one of 'continuous', 'halted', 'closed', 'pre-open'"),
        (("uncross", "1"), "closing-auction"),
        (("set-price", "1", "middle", "5"), "'middle' is not one of 'reference', 'last', 'low', 'high'"),
        (("set-price", "1", "low", "x"), "'x' is not a valid integer"),
    ],
)
def test_what_makes_no_sense(arguments: tuple[str, ...], message: str) -> None:
    assert message in bad("admin", *arguments, code=2)


@pytest.mark.compiled
def test_phases_auctions_and_prices_by_hand(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    admin = ("admin", "--journal", str(journal))
    with served("--open", "--journal", str(journal), "--indicative-interval-ms", "0") as server:
        assert good(*admin, "phase", "1", "pre-open") == "instrument 1, phase pre-open\n"
        assert [line.split() for line in good(*admin, "status").splitlines()[:2]] == [
            ["instrument", "symbol", "phase"], ["1", "DEMO", "pre-open"],
        ]  # fmt: skip
        assert good(*admin, "indicate", "1") == "instrument 1, price none, quantity 0, surplus 0\n"
        with Client(server.host, server.port, owner=7, keep_orders=True) as client:
            for number, side, quantity in ((1, Side.BID, 1500), (2, Side.ASK, 1200)):
                client.add_order(number, side, -5, quantity, time_in_force=TimeInForce.DAY).result(SECONDS)
        assert good(*admin, "set-price", "1", "reference", "-5") == "instrument 1, reference -5\n"
        auction = "instrument 1, price -5, quantity 1,200, surplus 300, side bid"
        assert good(*admin, "indicate", "1") == f"{auction}\n"
        message = bad(*admin, "open", "1", code=2)
        assert "rejected with must-uncross: orders were collected, which can cross: use uncross" in message
        assert good(*admin, "uncross", "1", "continuous") == f"{auction}, phase continuous\n"
        assert "rejected with not-in-phase" in bad(*admin, "uncross", "1", "closed", code=2)
        assert good(*admin, "expire", "1") == "instrument 1, expired 0\n"
        assert good(*admin, "phase", "1", "closed") == "instrument 1, phase closed\n"
        assert json.loads(good("admin", "--journal", str(journal), "--json", "expire", "1"))["expired"] in {0, 1}
        assert good(*admin, "orders", "7").splitlines()[-1] == "owner 7, orders 0"
        assert "instrument 9 is unknown: see status" in bad(*admin, "indicate", "9", code=2)
        done = [event for event in server.events if event["event"] == "operator request done"]
        assert [event["command"] for event in done][:3] == ["phase", "status", "indicate"]
        assert server.last("operator request failed")["error"] == "instrument 9 is unknown: see status"
    again = served("--open", "--journal", str(journal), "--instrument", "id=1,symbol=DEMO,phase=closed")
    with again as server:
        assert good(*admin, "status").splitlines()[1].split() == ["1", "DEMO", "closed"]


@pytest.mark.compiled
def test_a_schedule_opens_an_instrument(tmp_path: Path) -> None:
    socket_path = tmp_path / "admin"
    at = datetime.now(UTC) + timedelta(seconds=5)
    zone = f"Etc/GMT{at.hour - 12:+d}"  # where it is between 12:00 and 13:00, so both rows are on one day
    rows = f"mon-sun 00:00:01 pre-open|mon-sun {at.astimezone(ZoneInfo(zone)):%H:%M:%S} uncross continuous within 1s"
    instrument = f"id=3,time_zone={zone},schedule={rows}"
    with served("--open", "--admin-socket", str(socket_path), "--instrument", instrument) as server:
        with Client(server.host, server.port, owner=7) as client:
            client.add_order(1, Side.BID, 10, 5, instrument=3).result(SECONDS)
            deadline = time.monotonic() + SECONDS
            while "continuous" not in good("admin", "--socket", str(socket_path), "status"):
                assert time.monotonic() < deadline
                time.sleep(0.2)
        steps = [event["step"] for event in server.events if event["event"] == "schedule"]
    assert steps[0].startswith("mon-sun 00:00:01 pre-open")
    assert steps[-1].endswith("uncross continuous within 1s")


def test_help_teaches() -> None:
    text = good("admin", "--help")
    for word in (
        "kill",
        "cancel",
        "logout",
        "block",
        "unblock",
        "orders",
        "sessions",
        "halt",
        "open",
        "snapshot",
        "status",
        "phase",
        "uncross",
        "indicate",
        "set-price",
        "expire",
    ):
        assert f"  {word} " in text
    assert "pricetime admin --journal /var/lib/exchange kill 7" in text
    assert run("admin", "backup", "--help").exit_code == 0
