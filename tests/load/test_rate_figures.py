"""What is drawn of rates, asked of matplotlib's own objects."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.load.rate_figures import draw_over_time, draw_saturation, latency, per_second
from pricetime.load.recording import Recording, load
from pricetime.load.run_file import LoadRun, Moment, Saturation
from pricetime.load.spread import MARKS
from pricetime.load.styles import STYLES, drawing
from tests.load import made_runs

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

LIGHT = STYLES["light"]
BY_TAG = made_runs.histograms(100)


@pytest.fixture(autouse=True)
def drawn() -> Iterator[None]:
    with drawing():
        yield


def recorded(folder: Path, *runs: LoadRun) -> list[Recording]:
    return load([made_runs.write(folder, f"run-{number}", made) for number, made in enumerate(runs)])


def points(drawn: Any) -> list[list[float]]:
    """Of a line, x and y of each."""
    return [list(point) for point in zip(*drawn.get_data(), strict=True)]


def stairs(axes: Any) -> dict[str, list[float]]:
    return {patch.get_label(): patch.get_data().values.tolist() for patch in axes.patches}


MOMENTS = [
    Moment(s=0.5, sent=500, answered=400, p50=10_000, p99=20_000, max=30_000),
    Moment(s=1.0, sent=500, answered=0, p50=0, p99=0, max=0),
    Moment(s=1.25, sent=0, answered=600, p50=500_000, p99=600_000, max=700_000),
]


def test_one_run_over_time(tmp_path: Path) -> None:
    figure = draw_over_time(LIGHT, recorded(tmp_path, made_runs.load_run(BY_TAG, rate=1000.0, over_time=MOMENTS)))
    rates, latencies = figure.axes
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["commands per second", "latency (log scale)"]
    assert latencies.get_xlabel() == "seconds since the start"
    assert stairs(rates) == {"answered": [800, 0, 2400], "sent": [1000, 1000, 0]}
    shown = stairs(latencies)
    assert [name.split(":")[0] for name in shown] == ["p50", "p99", "max"]
    assert shown[MARKS["p99"][1]] == pytest.approx([20_000, np.nan, 600_000], nan_ok=True), (
        "a gap where nothing was answered"
    )
    assert rates.get_ylim()[0] == 0
    assert rates.get_xlim() == (0, 1.25)
    assert latencies.get_yscale() == "log"
    low, high = latencies.get_ylim()
    assert low <= 10_000 < 700_000 <= high
    (asked,) = rates.lines
    assert (asked.get_label(), list(asked.get_ydata())) == ("asked for", [1000, 1000])  # type: ignore[arg-type]


def test_several_runs_over_time(tmp_path: Path) -> None:
    runs = [made_runs.load_run(BY_TAG, rate=rate, over_time=MOMENTS) for rate in (1000.0, None, 2000.0)]
    rates, latencies = draw_over_time(LIGHT, recorded(tmp_path, *runs)).axes
    assert latencies.get_title(loc="left") == "p99 latency (log scale)"
    assert list(stairs(rates)) == list(stairs(latencies)) == ["run-0", "run-1", "run-2"]
    assert not rates.lines, "the rates asked for would be as many lines again"


def test_nothing_was_ever_answered(tmp_path: Path) -> None:
    silent = [Moment(s=0.25, sent=10, answered=0, p50=0, p99=0, max=0)]
    figure = draw_over_time(LIGHT, recorded(tmp_path, made_runs.load_run(BY_TAG, over_time=silent)))
    figure.draw_without_rendering()
    assert np.isnan(stairs(figure.axes[1])[MARKS["p99"][1]]).all()
    assert [text.get_text() for text in figure.axes[1].texts] == ["nothing was answered"]


def test_a_fragment_has_no_rate() -> None:
    usual = [Moment(s=0.25 * number, sent=5, answered=5, p50=1, p99=2, max=3) for number in (1, 2, 3)]
    last = Moment(s=0.751, sent=1, answered=0, p50=1, p99=2, max=3)
    sent, _ = per_second([*usual, last])
    assert sent == pytest.approx([20, 20, 20, np.nan], nan_ok=True)


def test_intervals_of_no_length_have_no_rate() -> None:
    twice = [MOMENTS[0], MOMENTS[0]]
    sent, answered = per_second(twice)
    assert sent == pytest.approx([1000, np.nan], nan_ok=True)
    assert answered == pytest.approx([800, np.nan], nan_ok=True)
    assert latency(twice, "max").tolist() == [30_000, 30_000]


def test_one_search(tmp_path: Path) -> None:
    search = made_runs.saturation(2e6, limit_p99_ns=50_000)
    figure = draw_saturation(LIGHT, recorded(tmp_path, made_runs.load_run(BY_TAG, saturation=search)))
    (axes,) = figure.axes
    lines = {str(each.get_label()): each for each in axes.lines if not str(each.get_label()).startswith("_")}
    limit, highest = "limit that p99 must keep: 50 µs", "highest rate that keeps it: 1.2 M/s"
    assert list(lines) == [*(meaning for _, meaning in MARKS.values()), limit, highest]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("commands sent per second", "latency (log scale)")
    assert points(lines[MARKS["p99"][1]]) == [[step.sent_per_s, step.p99] for step in search.steps]
    assert list(lines[limit].get_ydata()) == [50_000, 50_000]  # type: ignore[arg-type]
    assert list(lines[highest].get_xdata()) == [1.2e6, 1.2e6]  # type: ignore[arg-type]
    hollow = [each for each in axes.lines if each.get_markerfacecolor() == LIGHT.ground]
    assert [list(each.get_xdata()) for each in hollow] == [[search.steps[-1].sent_per_s]] * 4  # type: ignore[arg-type]
    assert "sent over 1 % less than asked for" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert axes.get_xlim()[0] == 0


def test_several_searches(tmp_path: Path) -> None:
    runs = [made_runs.load_run(BY_TAG, saturation=made_runs.saturation(full)) for full in (1e6, 2e6, 3e6)]
    runs.append(made_runs.load_run(BY_TAG, saturation=None))
    figure = draw_saturation(LIGHT, recorded(tmp_path, *runs))
    (axes,) = figure.axes
    shown = [str(each.get_label()) for each in axes.lines if not str(each.get_label()).startswith("_")]
    assert shown == [
        *("run-0", "run-1", "run-2", "limit that p99 must keep: 50 µs"),
        *("run-0: highest rate: 600 k/s", "run-1: highest rate: 1.2 M/s", "run-2: highest rate: 1.8 M/s"),
    ]
    assert axes.get_ylabel() == "p99 latency (log scale)"


def test_a_search_in_vain(tmp_path: Path) -> None:
    search = made_runs.saturation(limit_p99_ns=1)
    in_vain = Saturation(limit_p99_ns=1, highest_rate=0.0, steps=search.steps[:1])
    figure = draw_saturation(LIGHT, recorded(tmp_path, made_runs.load_run(BY_TAG, saturation=in_vain)))
    shown = [str(each.get_label()) for each in figure.axes[0].lines]
    assert "limit that p99 must keep: 1 ns" in shown
    assert not any("highest" in label for label in shown)
    assert "sent over 1 % less than asked for" not in [text.get_text() for text in figure.legends[0].get_texts()]
