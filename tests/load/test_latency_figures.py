"""What is drawn of latencies, as matplotlib's own objects have it."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pricetime.load import latency_figures
from pricetime.load.latency_figures import (
    bins,
    draw_histogram,
    draw_intervals,
    draw_kinds,
    draw_percentiles,
    nines,
)
from pricetime.load.rate_figures import draw_over_time
from pricetime.load.recording import Recording, load
from pricetime.load.run_file import Latency
from pricetime.load.spread import MARKS
from pricetime.load.styles import STYLES, drawing
from pricetime.native.buckets import Buckets
from tests.load import made_runs

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

from matplotlib.colors import to_hex  # only after the check that matplotlib is there
from matplotlib.figure import Figure

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


def notes(figure: Figure) -> str:
    """The text below the legend, on one line."""
    return " ".join(figure.texts[-1].get_text().replace("\N{NO-BREAK SPACE}", " ").split())


KINDS = ["all commands", "add that rests", "add that trades", "cancel or reduce", "replace", "other"]


def test_percentiles_of_one_run_by_kind(recordings: list[Recording]) -> None:
    figure = draw_percentiles(LIGHT, recordings[:1], "round_trip")
    (axes,) = figure.axes
    lines = {str(each.get_label()): each for each in axes.lines}
    assert list(lines) == KINDS
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("share of the commands", "took at most (log scale)")
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
def test_every_nine_is_named_and_no_label_runs_into_the_next(count: int, tmp_path: Path) -> None:
    latency = Latency(count=count, p50=1e4, p90=2e4, p99=5e4, p99_9=1e5, p99_99=1e6, max=1e7)
    made = replace(made_runs.load_run({}), latency_ns={"round_trip": {"all": latency}})
    figure = draw_percentiles(LIGHT, load([made_runs.write(tmp_path, "many", made)]), "round_trip")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    labels = axes.get_xticklabels()
    assert [label.get_text() for label in labels] == list(nines(count).values())
    assert axes.get_xticks().tolist() == list(nines(count))
    boxes = [label.get_window_extent() for label in labels]
    assert boxes[-1].x1 <= figure.bbox.x1
    heights = [label.get_window_extent().height for label in axes.get_yticklabels()]
    assert all(other.x1 - one.x1 > max(heights) for one, other in pairwise(boxes)), "they lie aslant"


def test_percentiles_of_several_runs_have_a_line_for_each_run(recordings: list[Recording]) -> None:
    figure = draw_percentiles(LIGHT, recordings, "match")
    (axes,) = figure.axes
    assert [each.get_label() for each in axes.lines] == ["one", "two", "rough"]
    assert len({(each.get_color(), each.get_linestyle()) for each in axes.lines}) == 3
    rough = axes.lines[2]
    latency = recordings[2].latency("match")["all"]
    places, values = (np.asarray(data, float) for data in rough.get_data())
    assert places == pytest.approx([2, 10, 100, 1000, 3000]), "99.99 % of 3,000 commands is their slowest"
    assert values.tolist() == [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max]
    assert rough.get_marker() != "None", "they are marked, because no more is known"
    assert axes.lines[0].get_marker() == "None"
    assert "rough: no histogram" in notes(figure)


def test_the_histogram_of_one_run_has_every_command_and_a_row_for_each_kind(recordings: list[Recording]) -> None:
    figure = draw_histogram(LIGHT, recordings[:1], "round_trip")
    shares, spread = figure.axes
    assert (shares.get_title(loc="left"), spread.get_xlabel()) == (
        "share of the commands in each bin", "round trip latency (log scale)",
    )  # fmt: skip
    assert (shares.get_xscale(), shares.get_yscale(), shares.get_ylim()[0]) == ("log", "linear", 0)
    assert [text.get_text() for text in spread.texts] == KINDS
    low, high = shares.get_xlim()
    latencies = recordings[0].latency("round_trip").values()
    for patch, latency in zip(shares.patches, latencies, strict=True):
        data = patch.get_data()  # type: ignore[attr-defined]  # a StepPatch
        assert np.nansum(data.values) == pytest.approx(100)
        assert low <= data.edges[0] <= latency.p50 <= latency.max <= data.edges[-1] <= high
    marked = [float(np.asarray(each.get_xdata())[0]) for each in spread.lines if len(np.asarray(each.get_xdata())) == 1]
    assert marked == [value for each in latencies for value in (each.p50, each.p99, each.p99_9, each.max)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [meaning for _, meaning in MARKS.values()]


def test_a_run_has_the_same_colour_in_every_picture(recordings: list[Recording]) -> None:
    _, two, rough = recordings
    for figure in (draw_percentiles(LIGHT, [rough, two], "match"), draw_percentiles(LIGHT, recordings, "match")):
        colours = {each.get_label(): each.get_color() for each in figure.axes[0].lines}
        assert (colours["two"], colours["rough"]) == LIGHT.series[1:3]
    patches = draw_histogram(LIGHT, recordings[:2], "match").axes[0].patches
    assert [to_hex(patch.get_edgecolor()) for patch in patches] == list(LIGHT.series[:2])
    swatches = draw_kinds(LIGHT, recordings, "match").legends[0].get_lines()[:3]
    assert [to_hex(each.get_color()) for each in swatches] == list(LIGHT.series[:3])


def test_the_histogram_of_several_runs_is_one_comparison_and_leaves_out_those_without(
    recordings: list[Recording],
) -> None:
    shares, spread = draw_histogram(LIGHT, recordings, "tick_to_trade").axes
    assert len(shares.patches) == 2
    assert [text.get_text() for text in spread.texts] == ["one", "two"]


def test_kinds_of_several_runs_have_a_row_each_with_every_run_in_it(recordings: list[Recording]) -> None:
    figure = draw_kinds(LIGHT, recordings, "round_trip")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == KINDS
    ranges = [np.asarray(each.get_xdata()).tolist() for each in axes.lines if len(np.asarray(each.get_xdata())) == 2]
    kinds = recordings[0].latency("round_trip")
    recorded = [each.latency("round_trip")[kind] for kind in kinds for each in recordings]
    assert ranges == [[each.p50, each.max] for each in recorded]


def test_intervals_from_the_shortest_to_the_longest(recordings: list[Recording]) -> None:
    figure = draw_intervals(LIGHT, recordings[:2])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["match", "tick to trade", "round trip"]
    assert len([each for each in axes.lines if len(np.asarray(each.get_xdata())) == 2]) == 6
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["one", "two", *(meaning for _, meaning in MARKS.values())]


def test_the_warning_sign_is_explained_in_the_picture(tmp_path: Path) -> None:
    histograms = made_runs.few(100, ["round_trip"])
    late = made_runs.load_run(histograms)
    late = replace(late, result=replace(late.result, late=late.result.sent))
    recordings = load([made_runs.write(tmp_path, name, late, histograms) for name in ("late", "later")])
    figures = [draw(LIGHT, recordings, "round_trip") for draw in (draw_histogram, draw_percentiles, draw_kinds)]
    for figure in [*figures, draw_over_time(LIGHT, recordings)]:
        assert "⚠ late: 5,000,000 of 5,000,000 commands were sent over 1 ms after they were due" in notes(figure)
        assert "⚠ later: 5,000,000" in notes(figure)


@pytest.mark.parametrize("value", [0, 1, 2047, 2048, 50_000, 2**40 - 1])
def test_one_command(value: int, tmp_path: Path) -> None:
    by_tag = {"round_trip.cancel": made_runs.of_values([value])}
    recordings = load([made_runs.write(tmp_path, "one", made_runs.load_run(by_tag), by_tag)])
    drawn = draw_histogram(LIGHT, recordings, "round_trip").axes[0].patches
    shares = [np.nansum(patch.get_data().values) for patch in drawn]  # type: ignore[attr-defined]
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
    assert [latency_figures.kind_name(kind) for kind in ("rests", "other")] == ["add that rests", "other"]
