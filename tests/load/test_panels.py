"""Axes have ticks whatever is drawn on them; legends name each line once; notes stay within the picture."""

import re
from collections.abc import Iterator

import pytest

from pricetime.load.panels import NOTE_CHARACTERS, WIDTH, finish, layout, linear_rates, log_durations, stack
from pricetime.load.styles import STYLES, drawing

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")

LIGHT = STYLES["light"]


@pytest.fixture(autouse=True)
def drawn() -> Iterator[None]:
    with drawing():
        yield


@pytest.mark.parametrize(
    ("low", "high"), [(40_000, 41_000), (30_000, 60_000), (1e3, 1e4), (1e3, 2e5), (1, 1e9), (5_000, 5_000)]
)
def test_an_axis_of_times_has_a_few_ticks(low: float, high: float) -> None:
    figure, axes_of = stack(LIGHT, [""], "x", "y")
    (axes,) = axes_of.values()
    axes.plot([1, 2], [low, high])
    log_durations(axes, "y")
    figure.draw_without_rendering()
    least, most = axes.get_ylim()
    seen = [tick for tick in axes.get_yticks() if least <= tick <= most]
    assert 2 <= len(seen) <= 13
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert all(label.split()[-1] in {"ns", "µs", "ms", "s"} for label in labels if label)
    assert len(set(labels)) == len(labels), "no two ticks are called the same"


def test_an_axis_of_rates_begins_with_nothing() -> None:
    figure, axes_of = stack(LIGHT, ["above", "below"], "x")
    for axes in axes_of.values():
        axes.plot([1, 2], [900_000, 900_000])
        linear_rates(axes, "y")
        assert axes.get_ylim()[0] == 0
        assert axes.get_ylim()[1] > 900_000
    figure.draw_without_rendering()
    assert figure.axes[0].get_yticklabels()[0].get_text() == "0"
    assert "800 k" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_rates_on_an_axis_are_in_one_unit() -> None:
    figure, axes_of = stack(LIGHT, [""], "x")
    axes_of[""].plot([1, 2], [1e6, 1.3e6])
    linear_rates(axes_of[""], "y")
    figure.draw_without_rendering()
    labels = [label.get_text() for label in axes_of[""].get_yticklabels()]
    assert labels[:2] == ["0", "0.2 M"]
    assert all(label.endswith(" M") for label in labels[1:])


def test_a_legend_has_each_name_once_and_none_is_needed_for_one() -> None:
    figure, axes_of = stack(LIGHT, ["a", "b"], "x", "y")
    for axes in axes_of.values():
        axes.plot([1], [1], label="one")
    finish(figure, LIGHT, "title")
    assert not figure.legends
    figure, axes_of = stack(LIGHT, ["a", "b"], "x", "y")
    for axes in axes_of.values():
        axes.plot([1], [1], label="one")
        axes.plot([1], [1], label="two")
    finish(figure, LIGHT, "title")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_a_legend_has_as_few_rows_as_fit_and_no_column_that_they_do_not_need() -> None:
    assert layout([8, 4, 9]) == (1, 3)
    assert layout([3, 3, 5, 3, 9, 9]) == (2, 3)
    assert layout([40] * 3) == (3, 1)
    assert layout([90, 90]) == (2, 1)


@pytest.mark.parametrize("length", [3, 20, 40])
def test_a_legend_of_ten_is_within_the_picture(length: int) -> None:
    figure, axes_of = stack(LIGHT, [""], "x", "y")
    for number in range(10):
        axes_of[""].plot([1], [1], label=f"{number}" * length)
    finish(figure, LIGHT, "title")
    figure.draw_without_rendering()
    box, whole = figure.legends[0].get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0
    assert box.x1 <= whole.x1
    assert whole.y0 <= box.y0
    assert axes_of[""].get_window_extent().height > 100


def test_the_title_and_the_notes_fit_the_width_of_a_phone() -> None:
    figure, axes_of = stack(LIGHT, [""], "x", "y")
    axes_of[""].plot([1, 2], [1, 2])
    finish(
        figure, LIGHT, "Widest " * 12, ["n" * (NOTE_CHARACTERS - 12) + " " + "sent over 1 ms late " * 9, "a short note"]
    )
    figure.draw_without_rendering()
    title, notes = figure.texts
    assert figure.get_figwidth() == WIDTH
    assert "1 ms" in notes.get_text().replace("\N{NO-BREAK SPACE}", " ")
    assert not re.search(r"\d\n", notes.get_text()), "a number and its unit stay on one line"
    assert title.get_window_extent().x1 <= figure.bbox.x1
    assert title.get_window_extent().y0 >= axes_of[""].get_window_extent().y1
    assert notes.get_window_extent().y1 <= axes_of[""].get_tightbbox().y0 + 1  # type: ignore[union-attr]
    assert notes.get_window_extent().y0 >= 0
