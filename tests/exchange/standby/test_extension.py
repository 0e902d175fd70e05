"""A log that ends, for now, between an order and its extension: nothing waits, and nothing fails."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.types import COMMAND, CommandType, Instruction, Reason
from tests.exchange.kept import Kept, check_same
from tests.exchange.orders import BID, new

OWNER = 2


def add_lone_order(here: Kept, instrument: int = 1) -> None:
    """Append the order as the event loop does if the log has no room for its extension."""
    machine = here.exchange.machine
    order = np.zeros(1, COMMAND)
    order["sequence"], order["timestamp"], order["length"] = machine.sequence + 1, machine.timestamp + 1, 40
    order["type"], order["instructions"] = CommandType.NEW_ORDER, Instruction.EXTENDED
    order["session"], order["owner"], order["order_id"] = OWNER, OWNER, OWNER << 48 | 7
    order["instrument"], order["side"], order["price"], order["quantity"] = instrument, BID, 100, 5
    here.journal.log.append_records(order, machine.engine.seq_num, machine.matcher.report_checksum)
    machine.run(order)


def told(here: Kept, owner: int) -> list[tuple[int, int]]:
    """Reason and the client's order id of each report of an owner."""
    owners, reports = here.exchange.machine.streams.dump(100)
    own = reports[np.repeat(owners["owner"], owners["kept"]) == owner]
    return list(zip(own["reason"].tolist(), own["order_id"].tolist(), strict=True))


#: What its owner receives for the lone order: the next command, of any owner, rejects it.
REJECTED = [(Reason.MALFORMED, 7)]


def test_subscribers_are_answered_and_a_file_waits_for_the_next_command(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", snapshot_every=0)
    client = here.client(1)
    client.ask(new(1))
    add_lone_order(here)
    here.commit()
    here.exchange.want_snapshot()
    here.follow()
    follower = here.exchange.follower
    assert follower.failure is None
    assert follower.sequence == 2
    assert follower.snapshot().digest == here.exchange.digest()
    assert follower.depth(1).bids.orders == 1
    assert not here.events_log.of("snapshot")
    client.ask(new(3))
    here.commit()
    here.follow()
    assert here.told("snapshot")["sequence"] == 3
    assert (told(here, 1), told(here, OWNER)) == ([(0, 1), (0, 3)], REJECTED)
    before = follower.snapshot()
    assert before.digest == here.exchange.digest()
    copy = here.copy_to(tmp_path / "copy")
    again = Kept(copy)
    check_same(here, again)
    again.close()
    here.close()


def test_the_end_of_a_server_writes_no_snapshot_that_would_lose_it(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1))
    add_lone_order(here)
    here.commit()
    here.exchange.follower.finish()
    assert here.exchange.follower.failure is None
    assert not list((tmp_path / "j").glob("*.snapshot"))
    here.close()


MORE = (InstrumentConfig(id=1, tick_size=5), InstrumentConfig(id=2), InstrumentConfig(id=3))
FEWER = (InstrumentConfig(id=1),)


@pytest.mark.parametrize("snapshot", [False, True])
@pytest.mark.parametrize(("settings", "instrument"), [({}, 1), ({"instruments": MORE}, 1), ({"instruments": FEWER}, 2)])
def test_a_server_starts_on_it_and_goes_on(
    tmp_path: Path, settings: dict[str, Any], instrument: int, snapshot: bool
) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1))
    here.commit()
    here.follow(snapshot=snapshot)
    add_lone_order(here, instrument)
    here.commit()
    here.kill()
    again = Kept(tmp_path / "j", **settings)
    assert again.told("recovered")["sequence"] == 2
    assert again.exchange.machine.sequence == 2
    assert again.exchange.follower.snapshot().digest == again.exchange.digest()
    again.client(1).ask(new(3, price=105))
    again.commit()
    again.follow()
    assert again.exchange.follower.failure is None
    assert (told(again, 1), told(again, OWNER)) == ([(0, 1), (0, 3)], REJECTED)
    assert again.exchange.machine.sequence == 3
    third = Kept(again.copy_to(tmp_path / "copy"), **settings)
    check_same(again, third)
    third.close()
    again.close()


def test_it_may_be_started_again_and_again(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1))
    add_lone_order(here)
    for _ in range(3):
        here.commit()
        here.kill()
        here = Kept(tmp_path / "j")
    assert here.exchange.machine.sequence == 2
    here.client(1).ask(new(3))
    assert (told(here, 1), told(here, OWNER)) == ([(0, 1), (0, 3)], REJECTED)
    here.close()
