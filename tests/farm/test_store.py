"""A file of results grows, continues after a kill, and names a line that is wrong."""

from pathlib import Path

import pytest

from pricetime.farm import Result, Store
from pricetime.farm.errors import InvalidResults
from pricetime.farm.store import key_of


def result(number: int, errors: list[str] | None = None) -> Result:
    return Result({"kind": "sweep", "n": number}, {}, {"value": number}, {}, errors or [])


def test_what_is_added_is_there_the_next_time(tmp_path: Path) -> None:
    store = Store(tmp_path / "r.jsonl")
    for number in (1, 2):
        store.add(result(number))
    store.add(result(3, ["a fault"]))
    again = Store(tmp_path / "r.jsonl")
    assert [one.result for one in again.results] == [{"value": 1}, {"value": 2}, {"value": 3}]
    assert all(one.stored for one in again.results)
    assert set(again.done()) == {key_of(result(1).task), key_of(result(2).task)}


@pytest.mark.parametrize("rest", [b"{", b"\xff", b'{"task": {}}'])
def test_an_incomplete_last_line_is_cut(tmp_path: Path, rest: bytes) -> None:
    path = tmp_path / "r.jsonl"
    Store(path).add(result(1))
    path.write_bytes(path.read_bytes() + rest)
    Store(path).add(result(2))
    assert len(Store(path).results) == 2


@pytest.mark.parametrize("line", ["{", "5", "[]", '{"a": 1}', '{"task": 5}', "\xff"])
def test_a_line_that_is_not_a_result_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "r.jsonl"
    Store(path).add(result(1))
    path.write_bytes(path.read_bytes() + line.encode("latin1") + b"\n")
    with pytest.raises(InvalidResults, match="line 2 of"):
        Store(path)


def test_results_differ_only_without_errors() -> None:
    one, two = result(1), result(1)
    assert not one.differs_from(two)
    two.result = {"value": 2}
    assert one.differs_from(two)
    two.errors.append("a fault")
    assert not one.differs_from(two)
    nan = float("nan")
    assert not Result({}, {}, {"x": nan}).differs_from(Result({}, {}, {"x": float("nan")})), nan
