"""The stages of a pipeline, as matplotlib's own objects have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pricetime.load.recording import load
from pricetime.load.run_file import Percentiles, PipelineRun
from pricetime.load.spread import MARKS, place
from pricetime.load.stage_figures import draw_stages
from pricetime.load.styles import STYLES, drawing
from tests.load import made_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

LIGHT = STYLES["light"]


@pytest.fixture(autouse=True)
def drawn() -> Iterator[None]:
    with drawing():
        yield


def panels(figure: Figure) -> list[Axes]:
    """The panel of the rates, then that of the latencies."""
    return sorted(figure.axes, key=lambda axes: axes.get_xlabel() != "orders per second")


def texts(axes: Axes) -> list[str]:
    """The figures beside the bars, then the names of the rows."""
    return [text.get_text() for text in axes.texts]


def points(drawn: Any) -> list[tuple[float, float]]:
    """Of a line, x and y of each."""
    return list(zip(*drawn.get_data(), strict=True))


def test_the_stages_of_one_run(tmp_path: Path) -> None:
    made = made_runs.pipeline_run()
    figure = draw_stages(LIGHT, load([made_runs.write(tmp_path, "made", made)]))
    rates, latencies = panels(figure)
    assert rates.get_xlabel() == "orders per second"
    assert [bar.get_width() for bar in rates.patches] == [stage.orders_per_s for stage in made.stages]  # type: ignore[attr-defined]
    assert texts(rates) == ["15 M/s", "9 M/s", "6 M/s", "1.2 M/s", *(stage.name for stage in made.stages)]
    assert rates.get_xlim()[0] == 0
    assert rates.get_xscale() == "linear"
    assert latencies.get_xscale() == "log"
    marked = {points(each)[0] for each in latencies.lines if len(points(each)) == 1}
    expected = set()
    for row, stage in enumerate(made.stages):
        if stage.latency_ns is not None:
            latency = stage.latency_ns
            expected |= {(value, place(row, 0, 1)) for value in (latency.p50, latency.p99, latency.p99_9, latency.max)}
    assert marked == expected
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [meaning for _, meaning in MARKS.values()]
    assert [(text.get_text(), text.get_position()[1]) for text in latencies.texts] == [("not measured", place(0, 0, 1))]


def test_rates_beside_each_other_are_in_one_unit_and_stay_within_their_panel(tmp_path: Path) -> None:
    made = made_runs.pipeline_run()
    stages = [
        replace(stage, orders_per_s=rate) for stage, rate in zip(made.stages, (19.9e6, 1e6, 9.96e5, 2e5), strict=True)
    ]
    figure = draw_stages(LIGHT, load([made_runs.write(tmp_path, "made", replace(made, stages=stages))]))
    figure.draw_without_rendering()
    rates = panels(figure)[0]
    assert texts(rates)[:4] == ["19.9 M/s", "1 M/s", "0.996 M/s", "0.2 M/s"]
    assert all(text.get_window_extent().x1 <= rates.get_window_extent().x1 for text in rates.texts[:4])


@pytest.mark.parametrize(("least", "most"), [(100, 1e9), (100, 4e7), (3e4, 9e4), (4e4, 4.1e4), (1e3, 2e4), (1e3, 9e4)])
def test_no_latency_on_the_axis_runs_into_another(least: float, most: float, tmp_path: Path) -> None:
    latency = Percentiles(p50=least, p90=least, p99=least, p99_9=most, p99_99=most, max=most)
    made = made_runs.pipeline_run()
    stages = [replace(stage, name="exchange-durable-flat-out", latency_ns=latency) for stage in made.stages]
    figure = draw_stages(LIGHT, load([made_runs.write(tmp_path, "made", replace(made, stages=stages))]))
    figure.draw_without_rendering()
    latencies = panels(figure)[1]
    low, high = latencies.get_xlim()
    seen = [label for label in latencies.get_xticklabels() if low <= label.get_position()[0] <= high]
    boxes = [label.get_window_extent() for label in seen]
    assert len(boxes) >= 2
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    lines = {*latencies.get_xticks(), *latencies.get_xticks(minor=True)}
    assert {10.0**power for power in range(1, 10) if low <= 10**power <= high} <= lines, "a line each decade"


def test_stages_without_latencies_need_no_axis_for_them(tmp_path: Path) -> None:
    made = made_runs.pipeline_run()
    bare = replace(made, stages=[replace(stage, latency_ns=None) for stage in made.stages])
    figure = draw_stages(LIGHT, load([made_runs.write(tmp_path, "made", bare)]))
    assert [axes.get_xlabel() for axes in figure.axes] == ["orders per second"]
    assert not figure.legends


def test_several_runs_share_the_rows_of_their_stages(tmp_path: Path) -> None:
    now, before = made_runs.pipeline_run(), made_runs.pipeline_run(slow=2.0)
    before = replace(before, stages=[*before.stages[1:], replace(before.stages[0], name="only before")])
    paths = [made_runs.write(tmp_path, name, made) for name, made in (("now", now), ("before", before))]
    figure = draw_stages(LIGHT, load(paths))
    rates = panels(figure)[0]
    assert texts(rates)[8:] == [*(stage.name for stage in now.stages), "only before"]
    assert len(rates.patches) == 8
    assert [text.get_text() for text in figure.legends[0].get_texts()][:2] == ["now", "before"]


def test_a_pipeline_with_a_stage_of_nothing(tmp_path: Path) -> None:
    made = made_runs.pipeline_run()
    none = PipelineRun(**made_runs.of(stages=[replace(made.stages[1], orders=0, orders_per_s=0.0)]))
    (recording,) = load([made_runs.write(tmp_path, "made", none)])
    assert recording.run.troubles() == ["The stage 'ring + match' measured no orders."]
    draw_stages(LIGHT, [recording]).draw_without_rendering()
