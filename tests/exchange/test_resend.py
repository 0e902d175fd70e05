"""A client that sends unanswered commands again has each executed once, whatever becomes of connections and processes.

The rule of the wire: log in with RESUME, read up to the first heartbeat, then send again what has no answer. The orders
here trade at once, so that a second copy would trade again and no rule about order ids would stop it.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from pricetime import IOC
from pricetime.types import Reason, ReportKind
from pricetime.wire.messages import ExecutionReport, Heartbeat, NewOrder
from tests.exchange.harness import Client
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, cancel, new
from tests.exchange.standby.test_journal import settle
from tests.exchange.test_references import lose

COMMANDS, MOST_AT_ONCE, IDS = 100, 12, 16

#: The price of a command is this and its number, so that its report says which command it was.
FIRST_PRICE = 1000


class Careful:
    """An owner with many orders to send, by the rule. An id is used again as soon as its order is answered."""

    def __init__(self, here: Kept) -> None:
        self.polls = 0
        self.reports: list[ExecutionReport] = []  # over all connections
        self.open: list[int] = []  # numbers of the commands that were sent and have no answer
        self.sent = 0  # commands, each once
        self.again = 0  # copies
        self.client = here.client(7)

    @property
    def done(self) -> bool:
        return self.sent == COMMANDS and not self.open

    def send(self, count: int) -> None:
        numbers = range(self.sent, min(self.sent + count, COMMANDS))
        self.client.send(*map(order, numbers))
        self.sent += len(numbers)
        self.open += numbers

    def read(self) -> None:
        """Take what came."""
        reports = self.client.reports(self.client.receive())
        self.reports += reports
        answered = {report.price - FIRST_PRICE for report in reports if report.kind == ReportKind.ACCEPTED}
        self.open = [number for number in self.open if number not in answered]

    def come_back(self, here: Kept) -> None:
        """Log in again, read up to the first heartbeat, and send again what has no answer then."""
        self.client = Client(here, 7, resume_from=len(self.reports) + 1)
        here.until(lambda: self.has_heartbeat(here))
        self.client.send(*map(order, self.open))
        self.again += len(self.open)

    def has_heartbeat(self, here: Kept) -> bool:
        self.polls += 1
        if self.polls % 5 == 0:
            here.commit()
        self.read()
        first = next(iter(self.client.of(Heartbeat)), None)
        return first is not None and len(self.reports) + 1 >= first.next_sequence


def order(number: int) -> NewOrder:
    return new(number % IDS, BID, FIRST_PRICE + number, 1, time_in_force=IOC)


@pytest.mark.parametrize("level", ["memory", "durable"])
@pytest.mark.parametrize("seed", range(3))
def test_each_command_is_executed_once(seed: int, level: str, tmp_path: Path) -> None:
    rng = random.Random(seed)
    settings = {"heartbeat_ms": 10, "acknowledge": level}
    here = Kept(tmp_path / "j", **settings)
    here.client(1, keep_orders=True).send(new(1, ASK, 100, 10 * COMMANDS))
    settle(here)
    owner = Careful(here)
    while not owner.done:
        if len(owner.open) <= IDS - MOST_AT_ONCE:
            owner.send(rng.randint(1, MOST_AT_ONCE))
        here.iterate(rng.choice([0, 0, 0, 1]))
        if rng.random() < 0.3:
            here.commit()
        owner.read()
        if rng.random() < 0.3:
            here = broken(here, owner, rng, settings)
            owner.come_back(here)
    settle(here)
    feed = here.exchange.store.array(1, here.exchange.store.next_sequence - 1)
    bids = feed[(feed["kind"] == ReportKind.ACCEPTED) & (feed["side"] == BID)]
    assert bids["price"].tolist() == [FIRST_PRICE + number for number in range(COMMANDS)]
    assert int(feed["quantity"][feed["kind"] == ReportKind.TRADE].sum()) == COMMANDS
    assert owner.again > 0
    here.close()


def broken(here: Kept, owner: Careful, rng: random.Random, settings: dict[str, Any]) -> Kept:
    """Lose the connection or the process. Returns the exchange from then on."""
    what = rng.choice(["closed", "seen closed", "superseded", "killed", "lost"])
    if what in {"closed", "seen closed"}:
        owner.client.close()
        here.iterate(what == "seen closed")
    elif what in {"killed", "lost"}:
        if what == "lost" and settings["acknowledge"] == "durable":
            lose(here, rng.randint(1, 20))  # only commands that no client has an answer to
        else:
            here.kill()
        here = Kept(here.journal.directory.path, **settings)
    return here


def test_a_second_copy_is_rejected_only_while_the_first_rests(tmp_path: Path) -> None:
    """What a client that sends again too early, or without RESUME, has to expect, also after a restart."""
    here = Kept(tmp_path / "j")
    here.client(7, keep_orders=True).ask(new(5), new(6))
    here.kill()
    here = Kept(tmp_path / "j")
    client = here.client(7, keep_orders=True)
    [rejected] = client.ask(new(5))
    assert (rejected.kind, rejected.reason) == (ReportKind.REJECTED, Reason.DUPLICATE_ORDER_ID)
    client.ask(cancel(5))
    [accepted] = client.ask(new(5))
    assert (accepted.kind, accepted.maker_id) == (ReportKind.ACCEPTED, 3), "a second order, with a reference of its own"
    [unknown] = client.ask(cancel(9))
    assert (unknown.kind, unknown.reason) == (ReportKind.REJECTED, Reason.UNKNOWN_ORDER)
    here.close()
