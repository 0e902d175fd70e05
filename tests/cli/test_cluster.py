"""``pricetime cluster up`` and ``pricetime demo --cluster``: their parts that need no server."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from pricetime.cli.cluster_day import gap_of
from pricetime.cli.cluster_up import said
from pricetime.cluster.local import LocalCluster, Place
from pricetime.cluster.local_file import Options
from pricetime.exchange.settings.errors import CannotStart
from tests.cli.run import bad

PLACE = Place("a", "main")


def test_events_that_are_shown() -> None:
    assert said(PLACE, {"event": "leading", "term": 3}) == "node a leads main in term 3"
    assert said(PLACE, {"event": "fenced", "node": "b", "partition": "p"}) == "node b leads p no more"
    assert said(PLACE, {"event": "stats"}) is None


def test_the_settings_that_are_written(tmp_path: Path) -> None:
    cluster = LocalCluster(tmp_path, Options(nodes=2, partitions=2, port=20_000, open=True))
    cluster.write_file()
    config = cluster.config
    assert config.names == ("p1", "p2")
    assert config.addresses("p2") == ("127.0.0.1:20010", "127.0.0.1:20110")
    assert [one.id for one in config.exchange_of("b", "p2").instruments] == [2]
    assert config.exchange_of("b", "p2").feed_port == 20_013


def test_too_few_instruments(tmp_path: Path) -> None:
    file = tmp_path / "exchange.toml"
    file.write_text("[[instruments]]\nid = 1\n")
    cluster = LocalCluster(tmp_path, Options(partitions=2, exchange=file))
    with pytest.raises(CannotStart, match=r"2 partitions need 2 instruments: .*exchange.toml has 1"):
        cluster.write_file()


def test_logs_are_read_once_and_by_line(tmp_path: Path) -> None:
    cluster = LocalCluster(tmp_path)
    (tmp_path / "logs").mkdir()
    cluster._read[PLACE] = 0
    assert list(cluster.events()) == []
    log = cluster.log_of(PLACE)
    log.write_text('{"event": "one"}\nno JSON\n{"event": "tw')
    assert [event["event"] for _, event in cluster.events()] == ["one"]
    with log.open("a") as more:
        more.write('o"}\n')
    assert [event["event"] for _, event in cluster.events()] == ["two"]
    assert cluster.last_line(PLACE) == '{"event": "two"}'


def test_the_gap_around_an_event() -> None:
    times = np.array([1.0, 1.1, 1.2, 4.2, 4.3, 9.0])
    assert gap_of(times, 1.15, 5.0) == (1.2, 4.2)
    assert gap_of(times, 4.25, 4.31) == (4.2, 4.3)
    assert gap_of(times, 20.0, 30.0) == (20.0, 20.0)


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "exchange.toml").write_text("unknown = 1\n")
    config = tmp_path / "exchange.toml"
    said = bad("cluster", "up", "--directory", tmp_path / "new", "--config", config, code=2)
    assert "unknown" in said
