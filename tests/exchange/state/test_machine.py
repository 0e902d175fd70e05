"""The machine alone: it replays what an exchange did, and needs no socket, clock, thread or setting for it."""

import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime import Instrument
from pricetime.exchange.state import machine as machine_module
from pricetime.exchange.state.machine import Machine
from pricetime.log.configuration import Configuration
from pricetime.log.directory import Directory
from pricetime.log.reader import Reader
from pricetime.log.snapshot import restore
from pricetime.types import COMMAND, CommandType, Instruction, Reason, ReportKind
from tests.books import dumped
from tests.exchange.kept import Kept, kept_feed, kept_streams
from tests.exchange.orders import ASK, BID, cancel, mass_cancel, new, replace

STREAM_REPORTS, FEED_REPORTS = 2**12, 2**12

#: Imports a machine, and prints what else of the exchange came with it.
ALONE = """
import sys
import pricetime.exchange.state.machine
print(*(name for name in sys.modules if name.startswith("pricetime.exchange.")))
"""

#: What no file of the state may import or cimport.
FORBIDDEN = {
    "os", "select", "socket", "threading", "time", "asyncio", "pricetime.native.clock", "pricetime.native.sockets",
    "pricetime.native.schedule", "pricetime.ring.ring",
}  # fmt: skip


def test_it_imports_nothing_of_sockets_clocks_threads_and_settings() -> None:
    found = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True).stdout.split()
    assert {name.split(".")[2] for name in found} == {"state"}
    files = list(Path(machine_module.__file__).parent.glob("*.p[yx]*"))
    assert len(files) > 10
    for file in files:
        modules = set(re.findall(r"^\s*(?:from|import|cimport) ([\w.]+)", file.read_text(encoding="utf-8"), re.M))
        assert not modules & FORBIDDEN, file.name


def commands_of(folder: Path) -> tuple[Configuration, NDArray[np.void]]:
    """All commands of a journal."""
    reader = Reader(Directory(folder))
    batches = []
    while len((batch := reader.read()).commands):
        batches.append(batch.commands)
    return reader.configuration, np.concatenate(batches)


def trade(here: Kept, rng: random.Random, count: int) -> None:
    """Random orders of three owners, of whom one comes and goes."""
    clients = [here.client(owner) for owner in (1, 2, 3)]
    for n in range(10, count):
        client = rng.choice(clients)
        side, price = rng.choice([1, 2]), rng.randint(95, 105)
        client.send(rng.choice([
            new(n, side, price, rng.randint(1, 9)), cancel(n - rng.randint(1, 9)), replace(n - 3, price, 5),
            new(n, side, price, 3, time_in_force=rng.randrange(6)), mass_cancel(n),
        ]))  # fmt: skip
        here.iterate()
        client.receive()
        if n % 50 == 49:
            clients[2].close()
            here.iterate(3)
            clients[2] = here.client(3)
    here.commit()


@pytest.mark.parametrize("step", [1, 7, 10**6])
def test_it_replays_a_journal(step: int, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", stream_reports=STREAM_REPORTS, feed_store_reports=FEED_REPORTS)
    trade(here, random.Random(step), 400)
    configuration, commands = commands_of(tmp_path / "j")
    machine = Machine(configuration, stream_reports=STREAM_REPORTS, feed_reports=FEED_REPORTS)
    for first in range(0, len(commands), step):
        machine.run(commands[first : first + step])
    live = here.exchange.machine
    assert machine.digest() == live.digest()
    assert dumped(machine.engine) == dumped(live.engine)
    assert machine.matcher.report_checksum == live.matcher.report_checksum
    assert (machine.sequence, machine.timestamp) == (live.sequence, live.timestamp)
    assert machine.streams.next_sequences() == live.streams.next_sequences()
    owners, reports = machine.streams.dump(2**40)
    ends = np.cumsum(owners["kept"])[:-1]
    replayed = dict(zip(owners["owner"].tolist(), np.split(reports, ends), strict=True))
    for owner, wanted in kept_streams(here, 2**40).items():
        assert replayed[owner].tobytes() == wanted.tobytes()
    assert machine.store.array(1, machine.store.next_sequence - 1).tobytes() == kept_feed(here).tobytes()
    here.close()


def test_it_goes_on_from_a_snapshot(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    trade(here, random.Random(5), 300)
    configuration, commands = commands_of(tmp_path / "j")
    whole = Machine(configuration, stream_reports=64, feed_reports=1024)
    whole.run(commands)
    first = Machine(configuration, stream_reports=64, feed_reports=1024)
    first.run(commands[:200])
    reader = Reader(Directory(tmp_path / "j"))
    reader.read(200)
    snapshot = first.snapshot(reader.position, term=1, stream_reports=64, feed_reports=1024)
    second = Machine(configuration, stream_reports=64, feed_reports=1024, engine=restore(snapshot, configuration))
    second.load(snapshot)
    assert second.sequence == 200
    second.run(commands[200:])
    assert second.digest() == whole.digest()
    assert second.matcher.report_checksum == whole.matcher.report_checksum
    for ours, theirs in zip(second.streams.dump(64), whole.streams.dump(64), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert second.store.checksum_before(second.store.next_sequence) == whole.store.checksum_before(
        whole.store.next_sequence
    )
    here.close()


def test_a_command_in_the_place_of_an_extension() -> None:
    """It ends the order of a different owner, who gets the report, and its own trades are those of an order."""
    configuration = Configuration((Instrument(1),), capacity=64, level_capacity=64, owner_limit=1 << 16)
    machine = Machine(configuration, stream_reports=64, feed_reports=64)
    rows = [(1, ASK, 10, 0), (2, BID, 10, Instruction.EXTENDED), (3, BID, 4, 0)]
    commands = np.zeros(len(rows), COMMAND)
    for n, (owner, side, quantity, instructions) in enumerate(rows):
        row = commands[n]
        row["sequence"] = n + 1
        row["type"], row["instrument"], row["side"], row["price"] = CommandType.NEW_ORDER, 1, side, 100
        row["session"] = row["owner"] = owner
        row["order_id"], row["quantity"], row["instructions"] = owner << 48 | 7, quantity, instructions
    machine.run(commands)
    owners, reports = machine.streams.dump(64)
    told = {
        owner: list(zip(kept["kind"].tolist(), kept["reason"].tolist(), kept["order_id"].tolist(), strict=True))
        for owner, kept in zip(owners["owner"].tolist(), np.split(reports, np.cumsum(owners["kept"])[:-1]), strict=True)
    }
    assert told == {
        1: [(ReportKind.ACCEPTED, 0, 7), (ReportKind.TRADE, Reason.AS_MAKER, 7)],
        2: [(ReportKind.REJECTED, Reason.MALFORMED, 7)],
        3: [(ReportKind.ACCEPTED, 0, 7), (ReportKind.TRADE, 0, 7)],
    }
    feed = machine.store.array(1, machine.store.next_sequence - 1)
    assert feed[["kind", "order_id", "maker_id"]].tolist() == [
        (ReportKind.ACCEPTED, 1, 0), (ReportKind.ACCEPTED, 2, 0), (ReportKind.TRADE, 2, 1),
    ]  # fmt: skip
