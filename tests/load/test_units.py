import pytest

from pricetime.load.units import duration, rate


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"), (0.5, "0.5 ns"), (1, "1 ns"), (999, "999 ns"), (999.4, "999 ns"), (999.9, "1 us"), (1000, "1 us"),
        (1234, "1.23 us"), (49_960, "50 us"), (999_999, "1 ms"), (2.5e6, "2.5 ms"), (1e9, "1 s"),
        (1.2345e12, "1,230 s"),
    ],
)  # fmt: skip
def test_times_have_three_digits_and_the_unit_they_round_to(ns: float, text: str) -> None:
    assert duration(ns) == text


@pytest.mark.parametrize(
    ("per_s", "text"),
    [(0, "0 /s"), (7, "7 /s"), (999.9, "1 k/s"), (1500, "1.5 k/s"), (4_712_345, "4.71 M/s"), (2e9, "2 G/s")],
)
def test_rates(per_s: float, text: str) -> None:
    assert rate(per_s) == text
