"""SIGKILL of a real server under orders of all kinds: the reference makes of its journal what clients saw.

Phases change by interruptions, or also by commands of the operator.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND
from pricetime.cli.admin import answers_of
from pricetime.cli.stop import CannotRun
from pricetime.client.client import Client
from pricetime.client.errors import ConnectionLost, SessionEnded
from pricetime.core.builder import BookBuilder
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.load.server import ServerProcess
from pricetime.types import ORDER_EXTENSION, REPORT, CommandType
from tests.counts import count
from tests.crash.forked import ForkedServer
from tests.crash.lives import SMALL
from tests.exchange.standby.test_all_kinds import VenueOracle, journaled
from tests.reference.venue_flow import Commands, Flow

pytestmark = [pytest.mark.compiled, pytest.mark.slow]

KILLS, PATIENCE_S = count(3, 40), 30.0

#: Between two messages of a client: the reference is slow.
PAUSE_S = 0.004

#: Volatility auctions end while the server lives.
RULES = {
    "id": 1, "reference_price": 100, "dynamic_range": 6, "all_or_none": True, "interruption_s": 1,
    "interruption_within_s": 0,
}  # fmt: skip

#: The command that each request of the operator becomes.
OPERATED = {
    "halt": CommandType.SET_PHASE,
    "open": CommandType.SET_PHASE,
    "phase": CommandType.SET_PHASE,
    "uncross": CommandType.UNCROSS,
    "set-price": CommandType.SET_PRICE,
    "expire": CommandType.EXPIRE,
}

SENT = {CommandType.NEW_ORDER, CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER, CommandType.REPLACE_ORDER}


def drawn(flow: Flow) -> Commands:
    """Some commands of owner 1, with their extensions: orders of every kind, and changes of recent ones."""
    parts: list[Commands] = [np.zeros(0, COMMAND)]
    while len(parts) < 20:
        commands = flow.next(list(range(max(1, flow.ids - 100), flow.ids + 1)))
        if commands["type"][0] in SENT:
            commands["instrument"][0] = 1
            more = commands[1:].view(ORDER_EXTENSION)
            dated = more["expiry_ns"] > 0
            more["expiry_ns"][dated] = time.time_ns() + flow.rng.randint(0, 200_000_000)
            parts.append(commands)
    return np.concatenate(parts)


def trade(client: Client, flow: Flow, seen: list[Any]) -> None:
    """Send and read until the server is gone."""
    with suppress(ConnectionLost, SessionEnded):
        while True:
            client.send(drawn(flow))
            time.sleep(PAUSE_S)
            seen += client.read(0.005).tolist()
    with suppress(ConnectionLost, SessionEnded):
        while len(reports := client.read(PATIENCE_S)):
            seen += reports.tolist()


def asked(rng: random.Random) -> dict[str, object]:
    """A command of the operator. About half of them lead back to continuous trading."""
    phase = rng.choice(["closed", "pre-open", "opening-auction", "closing-auction", "volatility-auction"])
    price = {"kind": rng.choice(["reference", "last"]), "price": rng.randint(97, 103)}
    commands: list[dict[str, object]] = [
        {"command": "halt"},
        {"command": "phase", "phase": phase},
        {"command": "expire"},
        {"command": "set-price", **price},
        {"command": "open"},
    ]
    back: dict[str, object] = {"command": "uncross", "phase": "continuous"}
    return {"instrument": 1, **(rng.choice(commands) if rng.random() < 0.6 else back)}


@contextmanager
def operator(admin: Path, rng: random.Random, done: Counter[CommandType]) -> Iterator[None]:
    """Sends commands from a thread of its own until the server is gone. ``done``: how many of each type it executed."""

    def operate() -> None:
        with suppress(CannotRun, ValueError):  # a kill may cut an answer
            while True:
                request = asked(rng)
                answers = list(answers_of(admin, request))
                if not answers:
                    return
                if "error" not in answers[-1]:
                    done[OPERATED[str(request["command"])]] += 1

    thread = threading.Thread(target=operate)
    thread.start()
    yield
    thread.join()


def of_reference(folder: Path) -> VenueOracle:
    """What the reference makes of a journal."""
    settings = GatewayConfig(instruments=(InstrumentConfig.model_validate(RULES),), order_capacity=8192)
    oracle, commands = VenueOracle(SimpleNamespace(settings=settings)), journaled(folder)  # type: ignore[arg-type]
    for n in range(len(commands)):
        for report in oracle.engine.apply(commands[n : n + 1]).tolist():
            oracle.tell(int(commands["session"][n]), report)
    return oracle


@pytest.mark.parametrize("operated", [False, True])
def test_clients_saw_what_the_journal_leads_to(tmp_path: Path, operated: bool) -> None:
    rules = "".join(f"{name} = {str(value).lower()}\n" for name, value in RULES.items())
    (tmp_path / "pricetime.toml").write_text(f"[[instruments]]\n{rules}")
    folder, rng, seen = tmp_path / "journal", random.Random(1), list[Any]()
    options = ("--config", str(tmp_path / "pricetime.toml"), "--journal", str(folder), "--snapshot-every", "500")
    server: ServerProcess = ForkedServer(
        *SMALL,
        *options,
        "--keep-segments",
        "--segment-bytes",
        "262144",
        "--expiry-interval-ms",
        "10",
        "--max-open-orders",
        "8192",
    )
    flow, done = Flow(rng, all_or_none=True), Counter[CommandType]()
    for _ in range(KILLS):
        with server:
            client = Client(server.host, server.port, owner=1, keep_orders=True, resume_from=len(seen) + 1, retries=0)
            kill = threading.Timer(rng.uniform(0.05, 0.15), server.kill)
            kill.start()
            with operator(Path(f"{folder}.admin"), random.Random(rng.random()), done) if operated else nullcontext():
                trade(client, flow, seen)
            kill.join()
            client.close()
        server = server.again()
    with server:
        stopped = server.stop()
    oracle = of_reference(folder)
    assert seen == oracle.streams[1][: len(seen)]
    builder = BookBuilder([InstrumentConfig.model_validate(RULES).instrument()], capacity=8192)
    builder.apply(np.array(oracle.feed, REPORT))
    assert f"{builder.digest():016x}" == stopped["digest"]
    assert len(oracle.feed) == stopped["last_sequence"]
    assert len(seen) > 20 * KILLS
    kept = Counter(journaled(folder)["type"].tolist())
    assert all(kept[kind] >= count for kind, count in done.items()), "each command with an answer is in the journal"
    assert not operated or len(done) > 1
