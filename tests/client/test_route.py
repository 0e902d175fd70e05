"""Which of several addresses is tried next, and when a client gives up."""

from typing import Any

import pytest

from pricetime.client.route import LONGEST_OF_SEVERAL_S, MOST_REDIRECTS, PATIENCE_S, Route, addresses_of
from pricetime.errors import InvalidSetting

A, B, C = ("a", 1), ("b", 2), ("c", 3)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("a", [("a", 7001)]),
        (["a:1", "b:2"], [A, B]),
        ((("a", 1), ["b", 2]), [A, B]),
        (["[::1]:1"], [("::1", 1)]),
    ],
)
def test_addresses(host: Any, known: list[tuple[str, int]]) -> None:
    assert addresses_of(host, 7001) == known


@pytest.mark.parametrize("host", [[], ["a"], ["a:x"], [()], [("a", "x")], [3]])
def test_what_is_no_address(host: Any) -> None:
    with pytest.raises(InvalidSetting, match=r"addresses: .*HOST:PORT"):
        addresses_of(host, 7001)


def test_they_are_tried_in_turn_and_last_the_one_that_was_left() -> None:
    route = Route([A, B, C], 10, None)
    assert [route.next() for _ in range(4)] == [A, B, C, A]
    assert route.next() == B
    route.logged_in()
    assert [route.next() for _ in range(3)] == [C, A, B]
    route.redirect(A)
    assert route.next() == A
    route.logged_in()
    assert [route.next() for _ in range(3)] == [B, C, A]
    alone = Route([A], 10, None)
    alone.next()
    alone.logged_in()
    assert alone.next() == A


def test_a_redirect_is_followed_at_once_but_not_for_ever() -> None:
    route = Route([A, B], 10, None)
    leader = ("elsewhere", 9)
    pauses = []
    for _ in range(2 * MOST_REDIRECTS + 2):
        route.redirect(leader)
        pause = route.pause(0.0)
        assert pause is not None
        pauses.append(pause > 0)
        assert route.next() == leader
    assert pauses == ([False] * MOST_REDIRECTS + [True]) * 2
    route.logged_in()
    assert route.next() == A
    route.redirect(None)
    assert route.next() == B


def test_one_address_is_given_up_after_attempts_and_several_after_a_time() -> None:
    one, several = Route([A], 3, None), Route([A, B], 3, None)
    assert [one.pause(1e9 * attempt) is None for attempt in range(4)] == [False, False, False, True]
    assert one.bound == "3 attempts"
    for attempt in range(100):
        assert 0 < (several.pause(PATIENCE_S * attempt / 100) or 0) <= LONGEST_OF_SEVERAL_S
    assert several.pause(PATIENCE_S) is None
    assert (several.bound, several.text) == ("30 s", "a:1, b:2")
    several.logged_in()
    assert several.pause(2 * PATIENCE_S) is not None
    assert Route([A], 3, 5.0).bound == "5 s"


def test_pauses_grow_with_each_round_over_the_addresses() -> None:
    route = Route([A, B], 0, 60.0)
    pauses = [route.pause(0.0) or 0.0 for _ in range(6)]
    for attempt, pause in enumerate(pauses):
        assert 0.5 * 0.02 * 2 ** (attempt // 2) <= pause <= 0.02 * 2 ** (attempt // 2)
