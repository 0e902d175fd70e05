"""``pricetime follow``: of a local directory and of a remote server, with journals that a test writes."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pricetime import ASK, BID, Engine, Instrument, Phase
from pricetime.cli.follow import Following, Options, phases_of
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalError
from tests.cli.run import run
from tests.log.reference import journal, snapshot_after
from tests.log.written import Segment, orders

LENGTHS, SNAPSHOT_AT = [45, 40], 30
JOURNAL = journal(LENGTHS)
COMMANDS = sum(LENGTHS)
FIRST, SECOND = JOURNAL.files
FILES = {**JOURNAL.files, **dict([snapshot_after(JOURNAL, SNAPSHOT_AT)])}
BOOKS = f"books {JOURNAL.public[-1]:016x}"
BRIEFLY = ("--until-idle", "0.05")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "journal"
    made.mkdir()
    for name, data in FILES.items():
        (made / name).write_bytes(data)
    return made


def test_a_directory(folder: Path) -> None:
    ran = run("follow", str(folder), *BRIEFLY)
    assert ran.exit_code == 0, ran.output
    assert f"command {COMMANDS}: replayed " in ran.output
    assert " and 0 snapshots agree" in ran.output
    assert BOOKS in ran.output


def test_from_its_beginning(folder: Path) -> None:
    ran = run("follow", str(folder), "--whole", *BRIEFLY)
    assert ran.exit_code == 0, ran.output
    assert "9 checkpoints and 1 snapshots agree" in ran.output
    assert BOOKS in ran.output


def test_it_ends_after_a_time(folder: Path) -> None:
    ran = run("follow", str(folder), "--seconds", "0.3", "--every", "0.01")
    assert ran.exit_code == 0, ran.output
    assert ran.output.count(f"command {COMMANDS}: ") > 2


def test_the_first_difference_ends_it(tmp_path: Path) -> None:
    segment = Segment()
    segment.commands(orders(5))
    segment.checkpoint(synced=3, seq_num=5, report_checksum=1)
    segment.write(tmp_path)
    ran = run("follow", str(tmp_path), *BRIEFLY)
    assert ran.exit_code == 4
    assert "the books differ: " in ran.output
    assert "00000001" in ran.output, "the checksum of the journal"


def test_what_is_needed_next_is_gone(folder: Path) -> None:
    (folder / SECOND).rename(folder / "elsewhere")
    following = Following(Directory(folder), Options())
    assert following.step() > 0
    assert following.step() == 0, "the next segment may come"
    (folder / "elsewhere").rename(folder / "00000004.journal")
    with pytest.raises(JournalError, match=r"00000002\.journal is missing, but 00000004\.journal"):
        following.step()
    (folder / FIRST).unlink()
    with pytest.raises(JournalError, match="segment 1 of the journal has been removed, and the oldest is now 4"):
        following.step()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["/nowhere/at/all"], "is neither a directory nor HOST:PORT"),
        (["127.0.0.1:1"], "give --into DIR, a directory for the copy"),
        (["[::1]:1"], "give --into DIR, a directory for the copy"),
        (["::1"], "is neither a directory nor HOST:PORT"),
        (["127.0.0.1:1", "--into", "INTO"], "127.0.0.1:1: Connection refused"),
        (["EMPTY"], "it has no segment"),
    ],
)
def test_nothing_to_follow(tmp_path: Path, arguments: list[str], why: str) -> None:
    (tmp_path / "empty").mkdir()
    places = {"INTO": str(tmp_path / "copy"), "EMPTY": str(tmp_path / "empty")}
    ran = run("follow", *(places.get(argument, argument) for argument in arguments), *BRIEFLY)
    assert ran.exit_code == 2
    assert why in ran.output
    assert len(ran.output.strip().splitlines()) == 1


def test_an_owner_who_does_not_follow(tmp_path: Path) -> None:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    secrets = tmp_path / "secrets.toml"
    run("secret", "7", "--secrets-file", str(secrets))
    ran = run("follow", "127.0.0.1:1", "--into", str(tmp_path / "copy"), "--owner", "7", "--secrets-file", str(secrets))
    assert ran.exit_code == 2
    assert "7 is not a follower in" in ran.output


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    """A server of that journal."""
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    pytest.importorskip("structlog", reason="needs the server's packages: pip install '.[server]'")
    from pricetime.exchange.control.journal_server import JournalServer
    from pricetime.exchange.settings.config import GatewayConfig
    from pricetime.exchange.settings.server_log import LimitedLog
    from pricetime.wire.types import AcknowledgementLevel
    from tests.exchange.loops import Events, Listener, loop_thread

    extent = (COMMANDS, 2, JOURNAL.segments[-1].offset)
    with loop_thread() as running:
        listening = Listener()
        host, port = listening.getsockname()
        log = SimpleNamespace(level=AcknowledgementLevel.MEMORY, term=1)
        journal: Any = SimpleNamespace(directory=Directory(folder), extent=lambda: extent, log=log)
        server = running.call(
            lambda: JournalServer(listening, GatewayConfig(), None, journal, LimitedLog(Events().log))
        )
        running.call(server.open)
        yield f"{host}:{port}"
        running.wait(server.close())


def test_another_machine(address: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    ran = run("follow", address, "--into", str(copy), *BRIEFLY)
    assert ran.exit_code == 0, ran.output
    assert f"command {COMMANDS}: 0 commands behind, " in ran.output
    assert BOOKS in ran.output
    for name, data in FILES.items():
        assert (copy / name).read_bytes() == data
    again = run("follow", address, "--into", str(copy), *BRIEFLY)
    assert again.exit_code == 0
    assert BOOKS in again.output
    alone = run("follow", str(copy), *BRIEFLY)
    assert BOOKS in alone.output


def test_another_machine_by_name(address: str, tmp_path: Path) -> None:
    ran = run("follow", f"localhost:{address.rpartition(':')[2]}", "--into", str(tmp_path / "copy"), *BRIEFLY)
    assert ran.exit_code == 0, ran.output
    assert BOOKS in ran.output


def test_a_copy_has_one_follower(address: str, tmp_path: Path) -> None:
    directory = Directory(tmp_path / "copy")
    directory.lock()
    ran = run("follow", address, "--into", str(tmp_path / "copy"), *BRIEFLY)
    directory.unlock()
    assert ran.exit_code == 2
    assert "in use by a second process" in ran.output


def test_phases_and_where_auctions_would_trade() -> None:
    known = [
        Instrument(1, "ABC", phase=Phase.OPENING_AUCTION, price_unit="0.25"),
        Instrument(2),
        Instrument(3, phase=Phase.CLOSED),
        Instrument(4, "XYZ", phase=Phase.PRE_OPEN),
    ]
    engine = Engine(known, capacity=10)
    engine.book(1).add_order(1, BID, 403, 5)
    engine.book(1).add_order(2, ASK, 402, 7)
    machine = SimpleNamespace(configuration=SimpleNamespace(instruments=known))
    assert list(phases_of(SimpleNamespace(machine=machine, engine=engine))) == [  # type: ignore[arg-type]
        "ABC: opening auction, indicative 5 at 100.50, surplus 2 to sell",
        "instrument 3: closed",
        "XYZ: pre-open, no indicative price",
    ]
