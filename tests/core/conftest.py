"""A fresh book of each kind, for the rules that all of them follow."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(params=["ReferenceBook", "OrderBook", "AppliedBook"])
def make_book(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """The class of a book; call it with the settings the test needs."""
    books = importlib.import_module("tests.books")  # not before pytest has chosen the form
    kind: Callable[..., Any] = getattr(books, request.param)
    assert kind in books.BOOKS
    return kind


@pytest.fixture
def book(make_book: Callable[..., Any]) -> Any:
    """An empty book with room for a thousand orders; its id table is small enough to be checked at every step."""
    return make_book(1000)
