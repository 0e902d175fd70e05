"""A machine that replays a journal from its directory alone."""

from pathlib import Path

import pytest

from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.exchange.standby.journal import make_machine
from pricetime.exchange.state.machine import Machine
from pricetime.log.directory import Directory
from pricetime.log.errors import ReplayDiffers
from pricetime.log.reader import LIMIT, Reader
from pricetime.log.replayer import Replayer
from pricetime.types import CommandType
from tests.books import command
from tests.exchange.harness import SMALL
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, cancel, new


def replayer_of(folder: Path) -> Replayer[Machine]:
    """One that begins with the first command, and has no server."""
    reader = Reader(Directory(folder))
    settings = GatewayConfig(**(SMALL | {"journal": folder}))
    return Replayer(make_machine(settings, reader.configuration), reader)


def bring_up(replayer: Replayer[Machine]) -> None:
    while replayer.step(LIMIT):
        pass


def test_it_keeps_in_step_with_a_directory_alone(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", segment_bytes=8192)
    client = here.client(1)
    replayer = replayer_of(tmp_path / "j")
    assert not replayer.step(LIMIT)
    for n in range(100):
        client.ask(new(n, 1 + n % 2, 100, 10), cancel(n // 2))
        here.commit()
        here.make_room()
        bring_up(replayer)
        assert replayer.position.sequence == 2 * n + 2
        assert replayer.machine.engine.digest() == here.exchange.engine.digest()
        assert replayer.machine.matcher.report_checksum == here.exchange.machine.matcher.report_checksum
    assert replayer.machine.digest() == here.exchange.digest()
    assert replayer.machine.store.epoch == here.exchange.store.epoch
    assert replayer.machine.streams.dump(0)[0].tobytes() == here.exchange.machine.streams.dump(0)[0].tobytes()
    assert replayer.checkpoints > 50
    here.close()


def test_it_goes_on_under_other_rules(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(new(1), new(2))
    here.kill()
    more = (InstrumentConfig(id=1, tick_size=5), InstrumentConfig(id=2), InstrumentConfig(id=3))
    here = Kept(tmp_path / "j", instruments=more)
    here.client(1).ask(new(3, price=101), new(4, price=105, instrument=3))
    replayer = replayer_of(tmp_path / "j")
    bring_up(replayer)
    assert set(replayer.machine.engine.instruments) == {1, 2, 3}
    assert replayer.machine.engine.digest() == here.exchange.engine.digest()
    assert replayer.machine.matcher.report_checksum == here.exchange.machine.matcher.report_checksum
    here.close()


def test_few_at_a_time(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    here.client(1).ask(*(new(n) for n in range(50)))
    replayer = replayer_of(tmp_path / "j")
    steps = 0
    while done := replayer.step(7):
        assert done <= 7
        steps += 1
    assert steps >= 8
    assert replayer.machine.engine.digest() == here.exchange.engine.digest()
    here.close()


def test_a_different_report_is_detected(tmp_path: Path) -> None:
    """Its engine has an order that the first never had."""
    here = Kept(tmp_path / "j")
    client = here.client(1)
    client.ask(new(1, BID, 100))
    here.commit()
    replayer = replayer_of(tmp_path / "j")
    replayer.step(LIMIT)
    stray = command(CommandType.NEW_ORDER, sequence=1, instrument=1, order_id=5, side=BID, price=100, quantity=10)
    replayer.machine.run(stray)
    client.ask(new(2, ASK, 100, 20))
    here.commit()
    client.ask(new(3, ASK, 100))
    with pytest.raises(ReplayDiffers, match="produce other reports"):
        bring_up(replayer)
    here.close()
