"""Sound books of which one record is spoilt, to see that ``check`` names what is broken."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pytest

from pricetime import COMPILED

#: What spoils the records of an engine, and words of what ``check`` then says.
Row: TypeAlias = tuple[Callable[[Any], None], str]

#: The compiled form does not show its records.
uncompiled_only = pytest.mark.skipif(COMPILED, reason="of the uncompiled form alone: it shows its records")


def each(rows: Sequence[Row]) -> pytest.MarkDecorator:
    """Run a test with ``spoil`` and ``broken`` of each row."""
    names = [f"{number} {words[:24]}" for number, (_, words) in enumerate(rows)]
    return pytest.mark.parametrize(("spoil", "broken"), rows, ids=names)


def check_is_named(engine: Any, spoil: Callable[[Any], None], broken: str) -> None:
    """Spoil the sound books of an engine, and look what ``check`` says."""
    spoil(engine.books)
    with pytest.raises(AssertionError, match=f"broken: .*({broken})"):
        engine.check()


def add(record: Callable[[Any], Any], name: str, by: int) -> Callable[[Any], None]:
    """Add to a field of a record."""
    return lambda books: setattr(record(books), name, getattr(record(books), name) + by)


def put(record: Callable[[Any], Any], name: str, value: Any) -> Callable[[Any], None]:
    """Set a field of a record."""
    return lambda books: setattr(record(books), name, value)


def itself(books: Any) -> Any:
    return books
