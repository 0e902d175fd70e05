"""What is drawn of latencies, asked of matplotlib's own objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pricetime.measure import latency_figures
from pricetime.measure.buckets import Buckets
from pricetime.measure.latency_figures import bins, draw_histogram, draw_percentiles, nines
from pricetime.measure.recording import Recording, load
from pricetime.measure.run_file import Latency
from pricetime.measure.styles import STYLES, drawing
from tests.measure import made_runs

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install 'pricetime[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install 'pricetime[report]'")

from matplotlib.colors import to_hex  # behind the question whether there is a matplotlib

LIGHT = STYLES["light"]


@pytest.fixture(autouse=True)
def drawn() -> Iterator[None]:
    with drawing():
        yield


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    folder = tmp_path_factory.mktemp("runs")
    histograms = made_runs.histograms(3000, 3)
    return load(
        [
            made_runs.write_load(folder, "one", 10_000),
            made_runs.write_load(folder, "two", 5_000, seed=1, slow=3.0),
            made_runs.write(folder, "rough", made_runs.load_run(histograms)),
        ]
    )


KINDS = ["all", "add, rests", "add, trades", "cancel, reduce", "replace", "other"]


def test_percentiles_of_one_run_by_kind(recordings: list[Recording]) -> None:
    figure = draw_percentiles(LIGHT, recordings[:1], "round_trip")
    (axes,) = figure.axes
    lines = {str(each.get_label()): each for each in axes.lines}
    assert list(lines) == KINDS
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("of the commands took at most", "round trip latency")
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["50 %", "90 %", "99 %", "99.9 %", "99.99 %"]
    recorded = recordings[0].latency("round_trip")
    for kind, latency in zip(KINDS, recorded.values(), strict=True):
        places, values = (np.asarray(data, float) for data in lines[kind].get_data())
        assert (places[0], places[-1]) == pytest.approx((1, latency.count)), "it ends with the last command"
        assert values[-1] == pytest.approx(latency.max, rel=0.001)
        assert np.all(np.diff(values) >= 0)
        near = int(np.searchsorted(places, 100)) - 1
        assert values[near] <= latency.p99 * 1.001
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == KINDS


@pytest.mark.parametrize("count", [1_000, 30_000_000, 10**8, 3 * 10**9])
def test_the_last_nines_are_named_and_none_runs_into_another(count: int, tmp_path: Path) -> None:
    latency = Latency(count=count, p50=1e4, p90=2e4, p99=5e4, p99_9=1e5, p99_99=1e6, max=1e7)
    made = replace(made_runs.load_run({}), latency_ns={"round_trip": {"all": latency}})
    figure = draw_percentiles(LIGHT, load([made_runs.write(tmp_path, "many", made)]), "round_trip")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    named = [label for label in axes.get_xticklabels() if label.get_text()]
    assert named[-1].get_text() == list(nines(count).values())[-1]
    assert axes.get_xticks().tolist() == list(nines(count)), "each has its line, named or not"
    boxes = [label.get_window_extent() for label in named]
    assert all(one.x1 < other.x0 for one, other in pairwise(boxes))
    assert boxes[-1].x1 <= figure.bbox.x1


def test_percentiles_of_several_runs_have_a_panel_for_each_kind(recordings: list[Recording]) -> None:
    figure = draw_percentiles(LIGHT, recordings, "match")
    assert [axes.get_title(loc="left") for axes in figure.axes] == KINDS
    assert figure.get_supylabel() == "match latency"
    for axes in figure.axes:
        assert [each.get_label() for each in axes.lines] == ["one", "two", "rough"]
        assert len({(each.get_color(), each.get_linestyle()) for each in axes.lines}) == 3
    rough = figure.axes[0].lines[2]
    latency = recordings[2].latency("match")["all"]
    places, values = (np.asarray(data, float) for data in rough.get_data())
    assert places == pytest.approx([2, 10, 100, 1000, 3000]), "99.99 % of 3,000 commands is their slowest"
    assert values.tolist() == [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max]
    assert rough.get_marker() != "None", "they are marked, for no more is known"
    assert figure.axes[0].lines[0].get_marker() == "None"


def test_the_histogram_has_every_command(recordings: list[Recording]) -> None:
    figure = draw_histogram(LIGHT, recordings[:1], "round_trip")
    assert (figure.axes[-1].get_xlabel(), figure.get_supylabel()) == ("round trip latency", "share of the commands")
    assert [axes.get_title(loc="left") for axes in figure.axes] == KINDS
    assert not figure.legends
    for axes, latency in zip(figure.axes, recordings[0].latency("round_trip").values(), strict=True):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        low, high = axes.get_xlim()
        (patch,) = axes.patches
        data = patch.get_data()  # type: ignore[attr-defined]  # a StepPatch
        assert np.nansum(data.values) == pytest.approx(100)
        assert low <= data.edges[0] <= latency.p50 <= latency.max <= data.edges[-1] <= high


def test_a_run_has_the_same_colour_in_every_picture(recordings: list[Recording]) -> None:
    _, two, rough = recordings
    for curves in (draw_percentiles(LIGHT, [rough, two], "match"), draw_percentiles(LIGHT, recordings, "match")):
        colours = {each.get_label(): each.get_color() for each in curves.axes[0].lines}
        assert (colours["two"], colours["rough"]) == LIGHT.series[1:3]
    patches = draw_histogram(LIGHT, recordings[:2], "match").axes[0].patches
    assert [to_hex(patch.get_edgecolor()) for patch in patches] == list(LIGHT.series[:2])


def test_histograms_of_several_runs_leave_out_those_without(recordings: list[Recording]) -> None:
    figure = draw_histogram(LIGHT, recordings, "tick_to_trade")
    assert [axes.get_title(loc="left") for axes in figure.axes] == KINDS
    assert all([patch.get_label() for patch in axes.patches] == ["one", "two"] for axes in figure.axes)


@pytest.mark.parametrize("value", [0, 1, 2047, 2048, 50_000, 2**40 - 1])
def test_one_command(value: int, tmp_path: Path) -> None:
    by_tag = {"round_trip.cancel": made_runs.of_values([value])}
    recordings = load([made_runs.write(tmp_path, "one", made_runs.load_run(by_tag), by_tag)])
    panels = draw_histogram(LIGHT, recordings, "round_trip").axes
    shares = [np.nansum(patch.get_data().values) for axes in panels for patch in axes.patches]  # type: ignore[attr-defined]
    assert shares == pytest.approx([100, 100])
    figure = draw_percentiles(LIGHT, recordings, "round_trip")
    (axes,) = figure.axes
    assert all(
        np.asarray(each.get_ydata(), float)[-1] == pytest.approx(max(value, 1), rel=0.001) for each in axes.lines
    )
    figure.draw_without_rendering()  # the axes find ticks


def test_bins_hold_all_and_are_whole_numbers() -> None:
    buckets = Buckets.of(made_runs.of_values([0, 1, 2, 3, 10, 11, 999, 2**20, 2**39]))
    edges = bins([buckets])
    assert edges[0] == 1
    assert edges[-1] > 2**39
    assert np.all(np.diff(edges) >= 1)
    assert np.all(edges == np.round(edges))
    assert np.all(edges[edges > 100][1:] / edges[edges > 100][:-1] < 1.1)
    shares = buckets.shares(edges)
    assert shares.sum() == pytest.approx(100)
    assert shares[0] == pytest.approx(200 / 9), "what took less than 1 ns is in the first"


def test_nines() -> None:
    assert nines(1) == {2.0: "50 %"}
    assert list(nines(999).values()) == ["50 %", "90 %", "99 %"]
    assert list(nines(1e8).values())[-3:] == ["99.9999 %", "99.99999 %", "99.999999 %"]


def test_kinds_are_named() -> None:
    assert [latency_figures.kind_name(kind) for kind in ("rests", "other")] == ["add, rests", "other"]
