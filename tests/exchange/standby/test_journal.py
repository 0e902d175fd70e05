"""An exchange whose process is killed, and the one recovered from its journal, are identical."""

import random
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pricetime.exchange.settings.errors import CannotStart
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalDamaged, JournalLocked
from pricetime.log.replay import Replay
from pricetime.types import CommandType, Phase, Reason, SelfTrade
from tests.counts import count as number_of
from tests.exchange.harness import Client, Harness
from tests.exchange.kept import Kept, check_same, picture
from tests.exchange.orders import BID, cancel, new
from tests.exchange.test_random import INSTRUMENTS, OWNERS, Crowd

SMALL: dict[str, Any] = {"segment_bytes": 16384, "snapshot_stream_reports": 64, "snapshot_feed_reports": 1024}
ROOM: dict[str, Any] = {"stream_reports": 2**12, "outbound_bytes": 2**12 * 48, "feed_store_reports": 2**13}

#: Rules that change at each restart.
RULES = [
    INSTRUMENTS,
    (*INSTRUMENTS, InstrumentConfig(id=71, phase=Phase.HALTED)),
    (
        InstrumentConfig(id=1, tick_size=2, order_limit=5),
        InstrumentConfig(id=3, self_trade=SelfTrade.CANCEL_BOTH),
        InstrumentConfig(id=70, low_price=95, high_price=105),
        InstrumentConfig(id=71),
        InstrumentConfig(id=2, symbol="NEW"),
    ),
]


def trade(here: Kept, crowd: Crowd, rng: random.Random, steps: int) -> None:
    """Random flow; now and then something is synced, a snapshot taken, an instrument halted."""
    for _ in range(steps):
        owner = rng.choice(OWNERS)
        crowd.clients[owner].send(*crowd.messages(owner, rng.randint(1, 30)))
        here.iterate(rng.choice([0, 1, 2]))
        if rng.random() < 0.1:
            crowd.clients[owner].close()
            here.settle()
            crowd.clients[owner] = here.client(owner)
        if rng.random() < 0.1:
            here.exchange.command(CommandType.SET_PHASE, rng.choice([1, 3, 70]), rng.choice([0, 0, 1]))
        if rng.random() < 0.3:
            here.commit()
        here.make_room()
        if rng.random() < 0.1:
            here.settle()
            here.follow(snapshot=rng.random() < 0.5)
        for client in crowd.clients.values():
            client.receive()
    settle(here)


def settle(here: Kept) -> None:
    """Until nothing is left, with room made for it."""
    here.settle()
    while here.journal.log.last != here.exchange.machine.sequence:
        here.commit()
        here.make_room()
        here.settle()
    here.settle()


def go_on_alike(one: Kept, other: Kept, crowd: Crowd, rng: random.Random) -> None:
    """The same messages to both: all clients receive the same."""
    pairs = {owner: (client, other.client(owner)) for owner, client in crowd.clients.items()}
    for client in crowd.clients.values():
        client.drain()
    heard = {owner: len(client.reports()) for owner, client in crowd.clients.items()}
    for _ in range(15):
        owner = rng.choice(OWNERS)
        messages = crowd.messages(owner, rng.randint(1, 20))
        for here, client in zip((one, other), pairs[owner], strict=True):
            client.send(*messages)
            settle(here)
    for owner, (first, second) in pairs.items():
        first.receive()
        second.receive()
        assert first.reports()[heard[owner] :] == second.reports()


def without_times(found: dict[str, Any]) -> dict[str, Any]:
    phases, resting, unfinished = found["queues"]
    return found | {"queues": [phases, [order[1:] for order in resting], unfinished]}


@pytest.mark.slow
@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("seed", range(number_of(3, 6)))
def test_the_same_to_the_bit_and_from_then_on(seed: int, durable: bool, tmp_path: Path) -> None:
    rng = random.Random(seed)
    settings = SMALL | ROOM | {"ring_capacity": rng.choice([64, 1024])}
    folder = tmp_path / "0"
    for generation, rules in enumerate(RULES):
        with ExitStack() as ends:
            one = Kept(folder, instruments=rules, **settings)
            ends.callback(one.kill)
            crowd = Crowd(one, rng)
            trade(one, crowd, rng, rng.randint(5, 40))
            again = {"acknowledge": "durable"} if durable else {}
            folder = one.copy_to(tmp_path / str(generation + 1))
            other = Kept(folder, instruments=rules, **(settings | again))
            ends.callback(other.kill)
            check_same(one, other)
            if durable:
                continue
            go_on_alike(one, other, crowd, rng)
            assert without_times(picture(one)) == without_times(picture(other))
            twice = Kept(other.copy_to(tmp_path / f"{generation}-twice"), instruments=rules, **settings)
            ends.callback(twice.close)
            check_same(other, twice)


def test_what_it_says(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    assert not here.events_log.of("recovered")
    here.client(1).ask(*(new(n) for n in range(10)))
    here.follow(snapshot=True)
    said = here.told("snapshot")
    assert (said["sequence"], said["orders"], said["streams"]) == (10, 10, 1)
    here.clients[0].ask(*(cancel(n) for n in range(3)))
    digest = here.exchange.digest()
    here.kill()
    here = Kept(tmp_path / "j")
    said = here.told("recovered")
    assert (said["snapshot"], said["replayed"], said["sequence"], said["cut_bytes"]) == (10, 3, 13, 0)
    assert (said["orders"], said["sessions"], said["digest"]) == (7, 1, f"{digest:016x}")
    here.close()


def test_a_normal_end_leaves_a_snapshot(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1, keep_orders=True).ask(*(new(n) for n in range(10)))
    here.clients[0].close()
    here.exchange.begin_stop()
    here.until(lambda: here.loop.is_stopped)
    assert here.exchange.wait_drained(1)
    before = picture(here)
    here.close()
    again = Kept(tmp_path / "j")
    assert (again.told("recovered")["snapshot"], again.told("recovered")["replayed"]) == (10, 0)
    assert picture(again) == before
    again.close()


def test_without_snapshots_there_is_none(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", snapshot_every=0)
    here.client(1, keep_orders=True).ask(new(1))
    here.clients[0].close()
    here.exchange.begin_stop()
    here.until(lambda: here.loop.is_stopped)
    assert here.exchange.wait_drained(1)
    here.close()
    assert not list((tmp_path / "j").glob("*.snapshot"))


def test_a_damaged_snapshot_is_skipped(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    client = here.client(1)
    for n in range(3):
        client.ask(new(n))
        here.follow(snapshot=True)
    before = picture(here)
    here.kill()
    newest = max((tmp_path / "j").glob("*.snapshot"))
    data = bytearray(newest.read_bytes())
    data[-20] ^= 1
    newest.write_bytes(data)
    again = Kept(tmp_path / "j")
    assert newest.name in again.told("snapshot skipped")["error"]
    assert again.told("recovered")["snapshot"] == 2
    assert picture(again) == before
    again.close()


# ---------------------------------------------------------------------- the epoch of the feed


def killed(folder: Path, **settings: Any) -> int:
    """An exchange that had two commands: its epoch."""
    here = Kept(folder, **settings)
    here.client(1).ask(new(1), new(2))
    here.commit()
    epoch = int(here.exchange.store.epoch)
    here.kill()
    return epoch


@pytest.mark.parametrize(("level", "kept"), [("memory", False), ("durable", True)])
def test_after_a_reboot_the_feed_has_a_new_epoch_unless_durable(
    level: str, kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = killed(tmp_path / "j", acknowledge=level)
    monkeypatch.setattr("pricetime.exchange.standby.journal.boot_id", lambda: b"a second boot...")
    again = Kept(tmp_path / "j")
    assert (again.exchange.store.epoch == before) is kept
    again.close()


def test_a_cut_file_gives_the_feed_a_new_epoch(tmp_path: Path) -> None:
    before = killed(tmp_path / "j")
    file = tmp_path / "j" / "00000001.journal"
    (tmp_path / "j" / "00000002.journal").unlink(missing_ok=True)
    with file.open("r+b") as opened:
        opened.truncate(4096 + 2 * 72)
    again = Kept(tmp_path / "j")
    assert again.told("recovered")["sequence"] == 1
    assert again.exchange.store.epoch != before
    again.close()


# ---------------------------------------------------------------------- what cannot start


def test_two_at_once(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    with pytest.raises(JournalLocked):
        Kept(tmp_path / "j")
    here.close()
    Kept(tmp_path / "j").close()


def test_damage_is_not_passed_over(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    client = here.client(1)
    for n in range(20):
        client.ask(new(n))
        here.commit()
    here.kill()
    file = tmp_path / "j" / "00000001.journal"
    with file.open("r+b") as opened:
        opened.seek(3 * 4096 + 20)
        opened.write(b"\xff")
    with pytest.raises(JournalDamaged, match=r"pricetime journal inspect"):
        Kept(tmp_path / "j")
    with pytest.raises(JournalDamaged):  # and leaves it unchanged and unlocked
        Kept(tmp_path / "j")


def test_segments_that_are_gone(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1))
    here.follow(snapshot=True)
    here.kill()
    for file in (tmp_path / "j").glob("*.journal"):
        file.unlink()
    with pytest.raises(CannotStart, match="no segment"):
        Kept(tmp_path / "j")


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotStart, match="journal: "):
        Kept(tmp_path / "file" / "j")


# ---------------------------------------------------------------------- other settings


def test_changed_rules_are_logged(tmp_path: Path) -> None:
    killed(tmp_path / "j")
    more = (InstrumentConfig(id=1, tick_size=5), InstrumentConfig(id=2), InstrumentConfig(id=9))
    again = Kept(tmp_path / "j", instruments=more, order_capacity=8192)
    assert [said["change"] for said in again.events_log.of("configuration changed")] == [
        "instrument 9 is new",
        "instrument 1: tick_size: 1 to 5",
        "order_capacity: 4096 to 8192",
    ]
    assert len(again.exchange.engine) == 2
    before = picture(again)
    again.kill()
    third = Kept(tmp_path / "j", instruments=more, order_capacity=8192)
    assert not third.events_log.of("configuration changed")
    assert picture(third) == before
    third.close()


def test_an_instrument_with_orders_cannot_go(tmp_path: Path) -> None:
    killed(tmp_path / "j")
    with pytest.raises(CannotStart, match="instrument 1 of the journal has 2 resting orders"):
        Kept(tmp_path / "j", instruments=(InstrumentConfig(id=2),))
    again = Kept(tmp_path / "j", instruments=(InstrumentConfig(id=1),))
    assert again.told("configuration changed")["change"] == "instrument 2 was removed"
    again.close()


@pytest.mark.parametrize("name", ["order_capacity", "level_capacity"])
def test_too_little_room(name: str, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1, BID, 10), new(2, BID, 11))
    here.kill()
    with pytest.raises(CannotStart, match=f"{name}: 1 is too few"):
        Kept(tmp_path / "j", **{name: 1})


def test_states_are_those_of_the_books(tmp_path: Path) -> None:
    """An instrument that was halted is halted, whatever the settings say, until a command says otherwise."""
    here = Kept(tmp_path / "j")
    here.exchange.command(CommandType.SET_PHASE, 1, Phase.HALTED)
    here.settle()
    here.kill()
    again = Kept(
        tmp_path / "j",
        instruments=(InstrumentConfig(id=1), InstrumentConfig(id=2), InstrumentConfig(id=3, phase=Phase.HALTED)),
    )
    assert again.exchange.phases == {1: Phase.HALTED, 2: Phase.CONTINUOUS, 3: Phase.CONTINUOUS}
    again.close()


def test_clocks_that_go_back_bring_no_time_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1))
    here.kill()
    monkeypatch.setattr("pricetime.exchange.exchange.time.time_ns", lambda: 0)
    again = Kept(tmp_path / "j")
    again.client(1).ask(new(2))
    first, second = again.exchange.engine.dump().resting["timestamp"].tolist()
    assert first <= second
    again.close()


def test_the_login_reply_has_the_acknowledgement_level(tmp_path: Path) -> None:
    levels: list[dict[str, Any]] = [
        {},
        {"journal": tmp_path / "a"},
        {"journal": tmp_path / "b", "acknowledge": "durable"},
    ]
    for level, settings in enumerate(levels):
        here = Harness(**settings)
        client: Client = here.client(1)
        assert client.heard[0].level == level  # type: ignore[union-attr]
        here.close()


def test_limits_of_owners_over_restarts(tmp_path: Path) -> None:
    """The same journal gives the same rejections; other limits are taken on, and what rests stays."""
    limits: dict[str, Any] = {"max_open_orders": 3, "max_order_quantity": 50, "max_price_distance": 20}
    here = Kept(tmp_path / "journal", **limits, owners="id=2,max_open_orders=5")
    try:
        reasons = []
        for owner in (1, 2):
            client = here.client(owner, keep_orders=True)
            orders = [*(new(n, BID, 100) for n in range(1, 7)), new(7, BID, 100, 51), new(8, BID, 79)]
            reasons.append([report.reason for report in client.ask(*orders)])
        full, large, far = Reason.OWNER_ORDERS_FULL, Reason.QUANTITY_ABOVE_LIMIT, Reason.PRICE_TOO_FAR
        assert reasons == [[0] * 3 + [full] * 3 + [large, far], [0] * 5 + [full, large, far]]
        here.commit()
        before = picture(here)
        copied = here.copy_to(tmp_path / "copy")
        replay = Replay(Directory(copied))
        replay.run()
        assert (replay.machine.report_checksum, replay.engine.digest()) == (before["report_checksum"], before["books"])
    finally:
        here.close()
    again = Kept(copied, max_open_orders=4)
    try:
        changes = [event["change"] for event in again.events_log.of("configuration changed")]
        assert any(change.startswith("limits of all owners: ") for change in changes)
        assert any(change.startswith("limits of owner 2: ") for change in changes)
        assert picture(again)["books"] == before["books"]
        assert [r.reason for r in again.client(2, keep_orders=True).ask(new(9, BID, 1, 1000))] == [full]
        told = again.client(1, keep_orders=True).ask(new(9, BID, 1, 1000), new(10, BID, 1, 1000))
        assert [r.reason for r in told] == [0, full]
    finally:
        again.close()
