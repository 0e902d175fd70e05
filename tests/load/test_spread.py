"""Where rows of latencies lie."""

import pytest

from pricetime.load.spread import height, place


def test_the_runs_of_a_row_lie_below_its_name_and_above_the_next_row() -> None:
    for runs in (1, 2, 10):
        places = [place(3, number, runs) for number in range(runs)]
        assert places == sorted(places)
        assert places[0] > 2.5
        assert places[-1] < 3.5
    assert place(1, 0, 1) - place(0, 0, 1) == pytest.approx(1)


def test_rows_grow_with_their_runs() -> None:
    assert height(6, 1) == pytest.approx(6 * height(1, 1))
    assert height(1, 1) < height(1, 2) < height(1, 10)
