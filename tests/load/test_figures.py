"""What is drawn of runs, asked of matplotlib's own objects."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

from pricetime.load.figures import draw_over_time, draw_percentiles, draw_searches, drawing, over_time, pictures
from pricetime.load.recording import Recording, load
from pricetime.load.run_file import LoadRun, Moment
from tests.load import made_runs

BY_TAG = made_runs.few(1000)

MOMENTS = [
    Moment(s=0.5, sent=500, answered=400, p50=10_000, p99=20_000, max=30_000),
    Moment(s=1.0, sent=500, answered=0, p50=0, p99=0, max=0),
    Moment(s=1.25, sent=0, answered=600, p50=500_000, p99=600_000, max=700_000),
]


@pytest.fixture(autouse=True)
def drawn() -> Iterator[None]:
    with drawing():
        yield


def recorded(folder: Path, *runs: LoadRun) -> list[Recording]:
    return load([made_runs.write(folder, f"run-{number}", made, BY_TAG) for number, made in enumerate(runs)])


def stairs(axes: Any) -> dict[str, list[float]]:
    return {patch.get_label(): patch.get_data().values.tolist() for patch in axes.patches}


def names(recordings: list[Recording]) -> list[str]:
    return [picture.name for picture in pictures(recordings)]


def test_which_runs_have_which_pictures(tmp_path: Path) -> None:
    search = made_runs.load_run(BY_TAG, saturation=made_runs.saturation())
    plain = made_runs.load_run(BY_TAG)
    of_latencies = ["percentiles-round-trip", "percentiles-match"]
    assert names(recorded(tmp_path, search)) == [*of_latencies, "over-time", "saturation"]
    assert names(recorded(tmp_path, plain, plain)) == [*of_latencies, "over-time"]
    assert names([replace(each, histograms={}) for each in recorded(tmp_path, plain)]) == ["over-time"]
    failed = made_runs.load_run({}, over_time=[], result=made_runs.failed("refused"))
    assert names(load([made_runs.write(tmp_path, "none", failed, {})])) == []


def test_equal_runs_give_equal_files_that_need_no_other(tmp_path: Path) -> None:
    runs = recorded(tmp_path, made_runs.load_run(BY_TAG, saturation=made_runs.saturation()))
    first = pictures(runs)
    assert first == pictures(runs)
    for picture in first:
        text = picture.svg.decode()
        assert text.startswith("<?xml")
        assert not re.search(r"(?:href|src)=\"(?!#)", text)
        assert "<dc:date>" not in text


@pytest.mark.parametrize("values", [[0], [1], [50_000], [2**40 - 1], range(1, 5000), [40_000, 41_000]])
def test_a_line_of_percentiles_ends_with_the_slowest_command(values: Any) -> None:
    histogram = made_runs.of_values(values)
    figure = draw_percentiles({"all": (0, histogram)})
    (axes,) = figure.axes
    (line,) = axes.lines
    nines, times = (np.asarray(data, float) for data in line.get_data())
    assert nines[-1] == pytest.approx(len(values))
    assert times[-1] == pytest.approx(max(*values, 1), rel=0.001)
    assert times[0] == pytest.approx(max(histogram.percentiles([50])[0], 1), rel=0.001)
    assert np.all(np.diff(times) >= 0)
    figure.draw_without_rendering()
    low, high = axes.get_ylim()
    assert any(low <= tick <= high for tick in axes.get_yticks())


def test_one_run_has_a_line_for_each_kind_and_several_one_each(tmp_path: Path) -> None:
    runs = recorded(tmp_path, made_runs.load_run(BY_TAG), made_runs.load_run(BY_TAG))
    (one, *_), (both, *_) = pictures(runs[:1]), pictures(runs)
    assert one.svg != both.svg
    figure = draw_percentiles({str(number): (number, BY_TAG["match.rests"]) for number in range(12)})
    assert len({(each.get_color(), each.get_linestyle()) for each in figure.axes[0].lines}) == 12
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [str(number) for number in range(12)]


def test_one_run_over_time(tmp_path: Path) -> None:
    figure = draw_over_time(recorded(tmp_path, made_runs.load_run(BY_TAG, over_time=MOMENTS)))
    rates, latencies = figure.axes
    assert stairs(rates) == {"answered": [800, 0, 2400], "sent": [1000, 1000, 0]}
    assert list(stairs(latencies)) == ["p99", "p50", "max"]
    assert stairs(latencies)["p99"] == pytest.approx([20_000, np.nan, 600_000], nan_ok=True)
    assert (rates.get_ylim()[0], latencies.get_yscale()) == (0, "log")


def test_several_runs_over_time(tmp_path: Path) -> None:
    made = made_runs.load_run(BY_TAG, over_time=MOMENTS)
    rates, latencies = draw_over_time(recorded(tmp_path, made, made, made)).axes
    assert list(stairs(rates)) == list(stairs(latencies)) == ["run-0", "run-1", "run-2"]


def test_nothing_was_ever_answered(tmp_path: Path) -> None:
    silent = [Moment(s=0.25, sent=10, answered=0, p50=0, p99=0, max=0)]
    figure = draw_over_time(recorded(tmp_path, made_runs.load_run(BY_TAG, over_time=silent)))
    figure.draw_without_rendering()
    assert np.isnan(stairs(figure.axes[1])["p99"]).all()


def test_a_very_short_interval_has_no_rate() -> None:
    usual = [Moment(s=0.25 * number, sent=5, answered=5, p50=1, p99=2, max=3) for number in (1, 2, 3)]
    for end in (0.751, 0.75):
        last = Moment(s=end, sent=1, answered=0, p50=1, p99=2, max=3)
        assert over_time([*usual, last], "sent") == pytest.approx([20, 20, 20, np.nan], nan_ok=True)


def test_one_search(tmp_path: Path) -> None:
    search = made_runs.saturation(2e6, limit_p99_ns=50_000)
    (recording,) = recorded(tmp_path, made_runs.load_run(BY_TAG, saturation=search))
    (axes,) = draw_searches({recording: search}).axes
    lines = {str(each.get_label()): each for each in axes.lines}
    assert list(lines) == ["p99", "p50", "max", "highest rate: 1.2 M/s", "limit of p99: 50 us"]
    x, y = (list(np.asarray(data)) for data in lines["p99"].get_data())
    assert (x, y) == ([step.sent_per_s for step in search.steps], [step.p99 for step in search.steps])
    assert list(np.asarray(lines["highest rate: 1.2 M/s"].get_xdata())) == [1.2e6, 1.2e6]
    assert list(np.asarray(lines["limit of p99: 50 us"].get_ydata())) == [50_000, 50_000]
    assert axes.get_xlim()[0] == 0


def test_several_searches(tmp_path: Path) -> None:
    searches = [made_runs.saturation(1e6), made_runs.saturation(2e6), made_runs.saturation(limit_p99_ns=1)]
    runs = recorded(tmp_path, *[made_runs.load_run(BY_TAG, saturation=search) for search in searches])
    (axes,) = draw_searches(dict(zip(runs, searches, strict=True))).axes
    assert [str(each.get_label()) for each in axes.lines] == [
        *("run-0", "highest rate of run-0: 600 k/s", "run-1", "highest rate of run-1: 1.2 M/s", "run-2 ⚠"),
        *("limit of p99: 1 ns", "limit of p99: 50 us"),
    ]
