"""Converts JSON into dataclasses by their annotations; an error names the member that does not fit."""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ..errors import PricetimeError

#: The name of a type in a message.
WORDS = {
    bool: "true or false",
    datetime: "a time with its zone, such as 2026-11-26T09:30:00+00:00",
    dict: "an object",
    float: "a number of 0 or more",
    int: "a whole number of 0 or more",
    list: "a list",
    str: "text",
    NoneType: "null",
}


class Mistyped(PricetimeError, ValueError):
    """A value is missing or has the wrong type."""


def typed(kind: Any, value: Any, place: str) -> Any:
    """Convert a JSON value to a type: a dataclass, a list, a dict with text keys, a union, or one of WORDS.

    Numbers must be finite and not negative. Members that a dataclass does not have are ignored. Raises Mistyped.
    """
    origin, arguments = get_origin(kind) or kind, get_args(kind)
    if origin is UnionType:
        return _one_of(arguments, value, place)
    if is_dataclass(kind):
        return _record(kind, value, place)
    if not _fits(origin, value):
        raise Mistyped(f"{place} is {_short(value)}: it must be {WORDS[origin]}")
    if origin is list:
        return [typed(arguments[0], each, f"{place}[{index}]") for index, each in enumerate(value)]
    if origin is dict:
        return {name: typed(arguments[1], each, f"{place}.{name}") for name, each in value.items()}
    return datetime.fromisoformat(value) if origin is datetime else value


def key(name: str) -> str:
    """The name of a field in JSON: ``p99_9`` is ``p99.9``."""
    return re.sub(r"^(p\d+)_(\d+)$", r"\1.\2", name)


def _record(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise Mistyped(f"{place} is {_short(value)}: it must be an object")
    hints = get_type_hints(kind)
    found = {}
    for field in fields(kind):
        name = key(field.name)
        at = f"{place}.{name}" if place else name
        if name in value:
            found[field.name] = typed(hints[field.name], value[name], at)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise Mistyped(f"{at} is missing")
    return kind(**found)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    others = [kind for kind in kinds if kind is not NoneType]
    if len(others) == 1:
        return typed(others[0], value, place)
    for kind in others:
        if _fits(get_origin(kind) or kind, value):
            return typed(kind, value, place)
    words = [WORDS[get_origin(kind) or kind] for kind in kinds]
    raise Mistyped(f"{place} is {_short(value)}: it must be {', '.join(words[:-1])} or {words[-1]}")


def _fits(kind: Any, value: Any) -> bool:
    if kind is datetime:
        try:
            return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
        except ValueError:
            return False
    if kind in {int, float}:
        numbers = int if kind is int else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool) and 0 <= value < math.inf
    return isinstance(value, kind)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
