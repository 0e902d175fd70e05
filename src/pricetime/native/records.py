"""Records for the uncompiled form: a schema (``.pxd``) read into Python classes, and arrays of them.

The compiler reads the same sheet, so a record is described once. An array makes its cells when they are
first touched, as the machine does with fresh memory, and refuses an index beyond its end, which the
machine does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Integer:
    """A C integer type; calling it converts as a C cast does, dropping the bits that do not fit."""

    def __init__(self, c_name: str) -> None:
        self.bits = {"char": 8, "short": 16, "int": 32, "long long": 64, "__int128": 128}[
            c_name.removeprefix("unsigned ")
        ]
        self.signed = not c_name.startswith("unsigned")
        self.size = self.bits // 8

    def __call__(self, value: int = 0) -> int:
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value


class Cells(dict[int, Any]):
    """An array of ``length`` cells, each made by ``make`` at first use."""

    def __init__(self, make: Callable[[], Any], length: int) -> None:
        super().__init__()
        self.make = make
        self.length = length

    def __bool__(self) -> bool:
        return True  # like a pointer to memory, used or not

    def __missing__(self, index: int) -> Any:
        if not 0 <= index < self.length:
            raise IndexError(f"cell {index} of {self.length}")
        cell = self[index] = self.make()
        return cell


def read_schema(path: Path, known: dict[str, Any] | None = None) -> dict[str, Any]:
    """The integer types, constants and record classes of a ``.pxd`` by name, in addition to ``known``."""
    names: dict[str, Any] = dict(known or {})
    text = re.sub(r" *#.*", "", path.read_text(encoding="utf-8"))
    for c_name, name in re.findall(r"^ctypedef ((?:unsigned )?(?:char|short|int|long long)) (\w+)$", text, re.M):
        names[name] = Integer(c_name)
    for name, number in re.findall(r"^    (\w+) = (\w+)$", text, re.M):
        names[name] = int(number, 0)
    for name, body in re.findall(r"^ctypedef (?:packed )?struct (\w+):\n((?:    .*\n|\n)+)", text, re.M):
        names[name] = _record(name, re.findall(r"^    (\w+) (\*?)(\w+)(?:\[(\d+)\])?$", body, re.M), names)
    return names


def _record(name: str, fields: list[tuple[str, str, str, str]], names: dict[str, Any]) -> type:
    """A class with the fields of a struct, all zero at first, and its ``size`` in bytes."""
    slots = tuple(field for _, _, field, _ in fields)
    zeros: list[tuple[str, Callable[[], Any]]] = []
    size = 0
    for type_name, star, field, length in fields:
        make = names[type_name]
        size += 8 if star else make.size * int(length or 1)
        if star:
            zeros.append((field, lambda: None))
        elif length:
            zeros.append((field, lambda make=make, length=int(length): [make() for _ in range(length)]))  # type: ignore[misc]
        else:
            zeros.append((field, make))

    def __init__(self: Any) -> None:
        for field, make in zeros:
            setattr(self, field, make())

    def __repr__(self: Any) -> str:
        return f"{name}({', '.join(f'{field}={getattr(self, field)!r}' for field in slots)})"

    def __getitem__(self: Any, _: int) -> Any:
        return self  # a pointer to a record is the record

    methods = {"__init__": __init__, "__repr__": __repr__, "__getitem__": __getitem__}
    return type(name, (), {"__slots__": slots, "size": size, **methods})
