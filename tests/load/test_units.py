import pytest

from pricetime.load.units import count, duration, rate


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0 ns"), (0.5, "0.5 ns"), (1, "1 ns"), (999, "999 ns"), (999.4, "999 ns"), (999.9, "1 µs"), (1000, "1 µs"),
        (1234, "1.23 µs"), (49_960, "50 µs"), (999_999, "1 ms"), (2.5e6, "2.5 ms"), (1e9, "1 s"),
        (1.2345e12, "1,230 s"),
    ],
)  # fmt: skip
def test_times_have_three_digits_and_the_unit_they_round_to(ns: float, text: str) -> None:
    assert duration(ns) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (999.9, "1 k"), (1500, "1.5 k"), (4_712_345, "4.71 M"), (2e9, "2 G")],
)
def test_counts(value: float, text: str) -> None:
    assert count(value) == text
    assert rate(value) == f"{text}/s"


@pytest.mark.parametrize(
    ("value", "beside", "text"),
    [
        (996_000, 19.9e6, "0.996 M"),
        (0, 1e6, "0"),
        (250_000, 999_999, "0.25 M"),
        (3e6, 3e6, "3 M"),
        (2e6, 9e5, "2,000 k"),
    ],
)
def test_a_count_beside_a_larger_one_is_in_its_unit(value: float, beside: float, text: str) -> None:
    assert count(value, beside) == text
    assert rate(value, beside) == f"{text}/s"
