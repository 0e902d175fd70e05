"""A real server leaves its latencies in a file, which the command shows."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hdrh", reason="needs hdrhistogram: pip install '.[latency]'")

from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess
from pricetime.native import hlog
from pricetime.native.histogram import Histogram
from tests.cli.run import good

pytestmark = pytest.mark.compiled


def test_a_server_leaves_its_latencies_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "run.hlog"
    options = ("--open", "--stats-interval-ms", "0", "--latency-log", str(path), "--match-sample-every", "10")
    first, plans = make_plans("balanced", 40_000, 2, seed=4)
    with ServerProcess(*options) as server:
        with Load(server.host, server.port, 2) as load:
            load.send(first)
            for plan in plans:
                load.send(plan)
            load.wait_answered()
            assert not path.exists()
            server.stop()
        stats = server.last("stats")
    assert server.last("latencies written") == server.events[-1]
    found = hlog.read(path)
    for interval, count in (("match", stats["commands"] // 10), ("tick_to_trade", stats["commands"])):
        together: Any = Histogram()
        for name, histogram in found.items():
            if name.startswith(f"{interval}."):
                together.merge(histogram)
        assert together.count == count
        names = ("p50", "p99", "p99.9", "max")
        assert together.percentiles((50, 99, 99.9, 100)) == [stats[f"{interval}_{name}_ns"] for name in names]
    for kind in ("rests", "trades", "cancel"):
        assert found[f"tick_to_trade.{kind}"].count > 1000
        assert found[f"match.{kind}"].count > 100  # a tenth, more or less, as the sessions come in
    shown = good("latency", path)
    assert f"{stats['commands']:,}" in shown
    assert "tick to trade" in shown
