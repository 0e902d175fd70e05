"""Reads the schema of the wire, ``layout.pxd``: every message with its fields, every constant with its comment.

The compiler reads the same file, so each layout is written once. Here its comments count too: the comment above a
struct says who sends the message and what for, the comment after a field what it means.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

#: The integer types: their sizes in bytes, and their codes in the module ``struct``.
SIZES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i64": 8}
CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i64": "q"}

_STRUCT = re.compile(r"((?:^#.*\n)+)^ctypedef packed struct (\w+):\n((?:    .*\n)+)", re.MULTILINE)
_FIELD = re.compile(r"^    (\w+) (\w+)(?:\[(\d+)\])? *(?:# *(.*))?$", re.MULTILINE)
_LINE = re.compile(r"^    (?:(\w+) = (\w+))? *(?:# *(.*))?$", re.MULTILINE)


class Constant(NamedTuple):
    """A constant of the schema."""

    name: str
    value: int
    meaning: str  #: "" if the name says it


class Field(NamedTuple):
    """A field of a message."""

    name: str
    type: str  #: u8, u16, u32, u64 or i64
    length: int  #: 0 for a number, else the number of bytes
    offset: int
    meaning: str

    @property
    def size(self) -> int:
        """Size in bytes."""
        return SIZES[self.type] * (self.length or 1)

    @property
    def code(self) -> str:
        """Format code of the module ``struct``."""
        return f"{self.length}s" if self.length else CODES[self.type]

    @property
    def is_zero(self) -> bool:
        """Whether it only pads the message: always 0."""
        return re.fullmatch(r"zero\d*", self.name) is not None


class Layout(NamedTuple):
    """A message."""

    name: str
    type: int
    direction: str  #: sender and receiver
    purpose: str
    fields: tuple[Field, ...]

    @property
    def constant(self) -> str:
        """Name of the constant that is its type."""
        return constant_of(self.name)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return sum(field.size for field in self.fields)


class Sheet(NamedTuple):
    """A schema, read."""

    layouts: tuple[Layout, ...]  #: by type
    constants: Mapping[str, tuple[Constant, ...]]  #: by the comment above them, up to its colon


def enum_of(field: Field) -> str | None:
    """Return the enum that names the numbers of a field: the first word of its meaning."""
    word = re.match(r"\w+", field.meaning)
    return word[0] if word and word[0] in SHEET.constants else None


def constant_of(name: str) -> str:
    """Return the name of a message's type: ``NEW_ORDER`` for ``NewOrder``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def read_constants(text: str) -> dict[str, tuple[Constant, ...]]:
    """Return the constants of a schema, grouped by the comments that stand alone on a line."""
    body = re.search(r"^cdef enum:\n((?:    .*\n)+)", text, re.MULTILINE)
    groups: dict[str, tuple[Constant, ...]] = {}
    group = ""
    for name, value, comment in _LINE.findall(body[1] if body else ""):
        if name:
            groups[group] = (*groups.get(group, ()), Constant(name, int(value, 0), comment))
        else:
            group = comment.partition(":")[0]
    return groups


def read_fields(body: str) -> tuple[Field, ...]:
    """Return the fields of a struct, in order."""
    fields: list[Field] = []
    offset = 0
    for type_name, name, length, meaning in _FIELD.findall(body):
        fields.append(Field(name, type_name, int(length or 0), offset, meaning))
        offset += fields[-1].size
    return tuple(fields)


def read_layouts(text: str, types: Mapping[str, int]) -> tuple[Layout, ...]:
    """Return the structs of a schema, each with the type that the constant of its name has."""
    found = []
    for comment, name, body in _STRUCT.findall(text):
        direction, _, purpose = " ".join(re.findall(r"^# ?(.*)$", comment, re.MULTILINE)).partition(": ")
        found.append(Layout(name, types[constant_of(name)], direction, purpose, read_fields(body)))
    return tuple(sorted(found, key=lambda layout: layout.type))


def read_sheet(path: Path, *others: Path) -> Sheet:
    """Read a schema, and the constants of ``others`` that it uses."""
    texts = [sheet.read_text(encoding="utf-8") for sheet in (path, *others)]
    constants = {group: found for text in texts for group, found in read_constants(text).items()}
    types = {constant.name: constant.value for group in constants.values() for constant in group}
    return Sheet(read_layouts(texts[0], types), constants)


_FOLDER = Path(__file__).parent
SHEET = read_sheet(_FOLDER / "layout.pxd", _FOLDER.parent / "core" / "layout.pxd")
