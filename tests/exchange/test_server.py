"""What a server does around the control side: it writes what was measured, whatever it ends for."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hdrh", reason="needs hdrhistogram: pip install '.[measure]'")

from pricetime.exchange import server
from pricetime.exchange.control.control import Control
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.native import hlog
from pricetime.native.latency import NAMES
from tests.exchange.harness import SMALL, harness
from tests.exchange.loops import Events
from tests.exchange.orders import ASK, BID, cancel, new

SETTINGS: dict[str, Any] = SMALL | {
    "port": 0,
    "recovery_port": 0,
    "open": True,
    "log_format": "json",
    "feed_listen_ms": 0,
}
ALL = [f"{interval}.{kind}" for interval in ("match", "tick_to_trade") for kind in NAMES]


@pytest.mark.parametrize("code", [0, 1, 3])
def test_latencies_are_written_whatever_the_exit_code(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Control, "run", lambda control: code)
    assert server.run(GatewayConfig(**SETTINGS, latency_log=tmp_path / "run.hlog")) == code
    assert list(hlog.read(tmp_path / "run.hlog")) == ALL


def test_latencies_are_written_after_an_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(control: Control) -> int:
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr(Control, "run", fail)
    with pytest.raises(RuntimeError, match="a fault of our own"):
        server.run(GatewayConfig(**SETTINGS, latency_log=tmp_path / "run.hlog"))
    assert list(hlog.read(tmp_path / "run.hlog")) == ALL


def test_what_was_measured_is_in_the_file(tmp_path: Path) -> None:
    events = Events()
    with harness(match_sample_every=1) as here:
        here.client(1).ask(new(1, ASK, 100, 5), new(2, BID, 100, 2), cancel(1), cancel(1))
        server.write_latencies(tmp_path / "run.hlog", here.exchange, 1e9, events.log)
        found = hlog.read(tmp_path / "run.hlog")
        assert {name: histogram.count for name, histogram in found.items()} == {
            f"{interval}.{kind}": kind != "replace" for interval in ("match", "tick_to_trade") for kind in NAMES
        }
        for interval, kinds in here.exchange.latencies().items():
            for kind, histogram in kinds.items():
                assert (found[f"{interval}.{kind}"].array() == histogram.array()).all()
    assert events.of("latencies written")[-1]["file"] == str(tmp_path / "run.hlog")


def test_latencies_that_cannot_be_written_are_logged(tmp_path: Path) -> None:
    """The server ends as it would have."""
    events = Events()
    with harness() as here:
        server.write_latencies(tmp_path / "gone" / "run.hlog", here.exchange, 1e9, events.log)
        server.write_latencies(None, here.exchange, 1e9, events.log)
    (told,) = events.of("latencies not written")
    assert told["error"] == "No such file or directory"
    assert list(tmp_path.iterdir()) == []
