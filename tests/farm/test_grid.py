"""The values of parameters and their combinations."""

import pytest

from pricetime.farm.grid import grid, parse_values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a=1,2,3", [1, 2, 3]), ("a=1..4", [1, 2, 3, 4]), ("a=3..1..-1", [3, 2, 1]), ("a=0..10..5,7", [0, 5, 10, 7]),
        ("a=0.5,1e3", [0.5, 1000.0]), ("a=true,false", [True, False]), ("a=balanced,x-y", ["balanced", "x-y"]),
        ("a=-2..-1", [-2, -1]), ("a=1,1,2", [1, 2]), ("a=null", ["null"]), ("a=[1", ["[1"]),
    ],
)  # fmt: skip
def test_values(text: str, values: list[object]) -> None:
    assert parse_values(text) == ("a", values)


@pytest.mark.parametrize("text", ["a", "=1", "1a=2", "a=", "a=1,,2", "a=3..1", "a=1..9..0", "a=1..99999999"])
def test_what_is_wrong_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'(a|=|1a)"):
        parse_values(text)


def test_the_grid_is_the_product() -> None:
    assert grid({"a": [1, 2], "b": ["x", "y"]}) == [
        {"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"},
    ]  # fmt: skip
