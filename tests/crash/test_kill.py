"""SIGKILL of a real server under load: what a client saw acknowledged is there, once, and the feed goes on."""

from pathlib import Path

import pytest

from pricetime.client import route
from pricetime.client.errors import LoginRefused
from tests.counts import count
from tests.crash.lives import Lives

pytestmark = pytest.mark.compiled

KILLS = count(3, 100)


@pytest.fixture(autouse=True)
def _soon_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "LONGEST_PAUSE_S", 0.05)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["memory", "durable"])
def test_killed_under_load_again_and_again(level: str, tmp_path: Path) -> None:
    options = ("--journal", str(tmp_path / "journal"), "--acknowledge", level, "--segment-bytes", "262144")
    with Lives([*options, "--snapshot-every", "3000"], seed=len(level)) as lives:
        for _ in range(KILLS):
            lives.live()
            lives.start()
        lives.stop()
        assert lives.reports > 100 * KILLS
        assert all(trader.seen > 10 * KILLS for trader in lives.traders)
        assert any(trader.compared for trader in lives.traders)


def test_a_server_that_forgets_is_found_out() -> None:
    """Without a journal the test above fails at the first kill."""
    with Lives([], seed=1, stays=False) as lives:
        lives.come_back()
        while any(trader.seen < 2_000 for trader in lives.traders):
            for trader in lives.traders:
                trader.trade()
        lives.server.kill()
        lives.trade_to_the_end()
        lives.server.__exit__(None, None, None)
        lives.start()
        with pytest.raises(LoginRefused, match="SEQUENCE_GONE"):
            lives.come_back()
