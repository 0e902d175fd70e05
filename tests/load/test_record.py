import importlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from pricetime.load.load import Pace
from pricetime.load.record import files_of, write
from pricetime.load.run import Result
from pricetime.load.run_file import Moment, Percentiles, Setting, Step, key
from pricetime.load.saturation import Search
from pricetime.native import hlog
from pricetime.native.histogram import Histogram
from pricetime.native.latency import NAMES

hdrh = pytest.importorskip("hdrh.histogram", reason="needs hdrhistogram: pip install '.[measure]'")

#: The percentiles by their names on disk.
PERCENTILES = {key(name): percentage for name, percentage in Percentiles.POINTS.items()}

SETTINGS: dict[str, Setting] = {
    "host": "127.0.0.1", "port": 7001, "preset": "balanced", "rate": 1e5, "seconds": 10.0, "sessions": 4, "seed": 0,
    "ramp": None, "acknowledge": "volatile",
}  # fmt: skip

STR, INT, FLOAT = str, int, (int, float)

#: The record's fields and their types, as docs/operate/load.md has them. A tuple: any of these.
SCHEMA: dict[str, Any] = {
    "format": INT,
    "kind": STR,
    "started_at": STR,
    "version": STR,
    "machine": dict,
    "command": STR,
    "settings": {
        "host": STR, "port": INT, "preset": STR, "rate": FLOAT, "seconds": FLOAT, "sessions": INT, "seed": INT,
        "ramp": (list, type(None)), "acknowledge": STR,
    },
    "result": {
        "sent": INT, "answered": INT, "seconds": FLOAT, "sent_per_s": FLOAT, "answered_per_s": FLOAT, "late": INT,
        "complete": bool, "failure": (str, type(None)),
    },
    "latency_ns": {"round_trip": {kind: dict.fromkeys((*PERCENTILES, "count"), INT) for kind in ("all", *NAMES)}},
    "over_time": list,
    "saturation": (dict, type(None)),
}  # fmt: skip


def check(value: Any, schema: Any, where: str = "") -> None:
    """Holds a record against a schema: the same fields, in the same order, of these types."""
    if isinstance(schema, dict):
        assert list(value) == list(schema), where
        for name, part in schema.items():
            check(value[name], part, f"{where}.{name}")
    else:
        assert isinstance(value, schema), where


def result_of(seed: int) -> Result:
    rng = random.Random(seed)
    latencies = {}
    for number, kind in enumerate(NAMES):
        latencies[kind] = Histogram()
        latencies[kind].record_many([int(rng.lognormvariate(10, 2)) for _ in range(1000 * number)])
    return Result(
        Pace(1e5), 1e5, sent=11, answered=10, seconds=1.5, sent_per_s=7.3, answered_per_s=6.6, late=1, complete=True,
        started_at=1.5e9, ended_at=1.5e9 + 2, latencies=latencies,
        over_time=[
            Moment(s=0.25, sent=5, answered=4, p50=100, p99=200, max=300),
            Moment(s=0.5, sent=6, answered=6, p50=1, p99=2, max=3),
        ],
    )  # fmt: skip


def test_the_record_of_a_run(tmp_path: Path) -> None:
    result = result_of(1)
    files = write(tmp_path / "deep" / "run", result, SETTINGS, "pricetime load")
    assert files == (tmp_path / "deep" / "run.json", tmp_path / "deep" / "run.hlog")
    record = json.loads(files[0].read_text())
    check(record, SCHEMA)
    assert (record["format"], record["kind"], record["command"]) == (1, "load", "pricetime load")
    assert record["started_at"] == "2017-07-14T02:40:00+00:00"
    assert record["over_time"][0] == {"s": 0.25, "sent": 5, "answered": 4, "p50": 100, "p99": 200, "max": 300}
    assert record["saturation"] is None
    assert record["latency_ns"]["round_trip"]["all"]["count"] == 10_000
    assert all(isinstance(value, str) for value in record["machine"].values())


def test_the_histograms_have_the_percentiles_of_the_record(tmp_path: Path) -> None:
    """As HdrHistogram's own reader finds them, to the width of a bucket."""
    json_path, hlog_path = write(tmp_path / "run", result_of(2), SETTINGS, "")
    told = json.loads(json_path.read_text())["latency_ns"]["round_trip"]
    reader = importlib.import_module("hdrh.log").HistogramLogReader(str(hlog_path), hdrh.HdrHistogram(1, 2**40, 3))
    seen = {}
    while (histogram := reader.get_next_interval_histogram()) is not None:
        seen[histogram.get_tag()] = histogram
    reader.close()
    assert set(seen) == {f"round_trip.{kind}" for kind in NAMES}
    for kind in NAMES:
        histogram = seen[f"round_trip.{kind}"]
        assert histogram.get_total_count() == told[kind]["count"]
        for name, percentage in PERCENTILES.items():
            if told[kind]["count"]:
                assert histogram.values_are_equivalent(histogram.get_value_at_percentile(percentage), told[kind][name])
    again = hlog.read(hlog_path)
    assert {tag: of.count for tag, of in again.items()} == {f"round_trip.{k}": told[k]["count"] for k in NAMES}


def test_a_failure(tmp_path: Path) -> None:
    result = result_of(3)
    result.complete, result.failure = False, "the exchange closed the connection"
    record = json.loads(write(tmp_path / "run.json", result, SETTINGS, "")[0].read_text())
    assert record["settings"] == SETTINGS
    assert record["result"]["failure"] == "the exchange closed the connection"
    assert record["result"]["complete"] is False


def test_the_steps_of_a_search(tmp_path: Path) -> None:
    steps = [
        Step(rate=1000.0, sent_per_s=999.0, answered_per_s=998.12345678, p50=1, p99=2, p99_9=3, max=4, good=True),
        Step(rate=2000.0, sent_per_s=1500.0, answered_per_s=1400.0, p50=5, p99=6, p99_9=7, max=8),
    ]
    record = json.loads(write(tmp_path / "run", result_of(4), SETTINGS, "", search=Search(5, steps))[0].read_text())
    found = record["saturation"]
    assert (found["limit_p99_ns"], found["highest_rate"], len(found["steps"])) == (5, 1000.0, 2)
    assert found["steps"][0] == {
        "rate": 1000.0, "sent_per_s": 999.0, "answered_per_s": 998.123457,
        "p50": 1, "p99": 2, "p99.9": 3, "max": 4, "good": True,
    }  # fmt: skip
    assert found["steps"][1]["good"] is False


def test_what_the_server_measured_goes_in(tmp_path: Path) -> None:
    inside = Histogram()
    inside.record_many([1000, 2000])
    server = {"match.rests": inside, "tick_to_trade.trades": inside}
    files = write(tmp_path / "run", result_of(5), SETTINGS, "", server=server)
    latency = json.loads(files[0].read_text())["latency_ns"]
    assert list(latency) == ["round_trip", "tick_to_trade", "match"]
    assert latency["match"]["rests"]["count"] == latency["match"]["all"]["count"] == 2
    assert latency["tick_to_trade"]["trades"]["max"] == 2000
    assert hlog.read(files[1])["match.rests"].count == 2


def test_where_it_goes() -> None:
    assert files_of(Path("a/run")) == (Path("a/run.json"), Path("a/run.hlog"))
    assert files_of(Path("a/run.hlog")) == (Path("a/run.json"), Path("a/run.hlog"))
    assert files_of(Path("a/1.5M")) == (Path("a/1.5M.json"), Path("a/1.5M.hlog"))
