"""A fresh book of each kind, for the rules that all of them follow."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.books import BOOKS


@pytest.fixture(params=BOOKS, ids=lambda kind: kind.__name__)
def make_book(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The class of a book; call it with the settings the test needs."""
    kind: Callable[..., Any] = request.param
    return kind


@pytest.fixture
def book(make_book: Callable[..., Any]) -> Any:
    """An empty book with room for a thousand orders; its id table is small enough to be checked at every step."""
    return make_book(1000)
