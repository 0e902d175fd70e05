"""JSON held against annotations: what fits comes out as its type, what does not is named by its place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from pricetime.load.typed import Mistyped, key, typed


@dataclass(frozen=True)
class Inner:
    p99_9: float
    word: str = "default"


@dataclass(frozen=True)
class Outer:
    inner: list[Inner]
    by_name: dict[str, Inner]
    perhaps: Inner | None


def test_a_whole_record() -> None:
    value = {"inner": [{"p99.9": 1, "word": "a"}, {"p99.9": 2.5}], "by_name": {"x": {"p99.9": 3}}, "perhaps": None}
    assert typed(Outer, value, "") == Outer([Inner(1, "a"), Inner(2.5)], {"x": Inner(3)}, None)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        (int, 5, 5),
        (float, 5, 5),
        (bool, False, False),
        (str | int | None, "x", "x"),
        (str | int | None, None, None),
        (int | list[float], [1, 2.5], [1, 2.5]),
        (datetime, "2026-11-26T09:30:00Z", datetime(2026, 11, 26, 9, 30, tzinfo=UTC)),
    ],
)
def test_what_fits(kind: Any, value: Any, found: Any) -> None:
    assert typed(kind, value, "here") == found


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        (int, 5.0, "here is 5.0: it must be a whole number of 0 or more"),
        (int, True, "here is True: it must be a whole number of 0 or more"),
        (float, float("inf"), "here is inf: it must be a number of 0 or more"),
        (str, None, "here is None: it must be text"),
        (list[int], [1, -1], "here[1] is -1: it must be a whole number of 0 or more"),
        (dict[str, int], {"a": "b"}, "here.a is 'b': it must be a whole number of 0 or more"),
        (int | list[float], "x", "here is 'x': it must be a whole number of 0 or more or a list"),
        (int | list[float], ["x"], "here[0] is 'x': it must be a number of 0 or more"),
        (Inner, [], "here is []: it must be an object"),
        (Inner, {"word": "a"}, "here.p99.9 is missing"),
        (Inner | None, 3, "here is 3: it must be an object"),
        (str, list(range(100)), "here is [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11...: it must be text"),
    ],
)
def test_what_does_not(kind: Any, value: Any, message: str) -> None:
    with pytest.raises(Mistyped) as caught:
        typed(kind, value, "here")
    assert str(caught.value) == message


def test_keys() -> None:
    assert [key(name) for name in ("p50", "p99_9", "p99_99", "sent_per_s")] == ["p50", "p99.9", "p99.99", "sent_per_s"]
