"""Write ``messages.pyi``, the types of the messages for type checkers."""

from __future__ import annotations

from collections.abc import Iterator

from pricetime.wire.report import NAMES
from pricetime.wire.sheet import SHEET, Field, Layout

HEAD = """\
# Written by "make wire" from layout.pxd.
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from .report import ReportNames
from .sheet import Layout

class Message:
    LAYOUT: ClassVar[Layout]
    TYPE: ClassVar[int]
    SIZE: ClassVar[int]
    FIELDS: ClassVar[tuple[str, ...]]
    @property
    def type(self) -> int: ...
    @property
    def malformed(self) -> bool: ...
    def encode(self) -> bytes: ...
    @classmethod
    def decode(cls, data: bytes | bytearray | memoryview) -> Self: ...
    def _replace(self, **fields: Any) -> Self: ...
    def _asdict(self) -> dict[str, Any]: ...

def decode(data: bytes | bytearray | memoryview) -> Message: ...

MESSAGES: Mapping[int, type[Message]]
SIZES: bytes
MAX_SIZE: int
DTYPES: Mapping[type[Message], np.dtype[np.void]]
"""


def type_of(field: Field) -> str:
    return "bytes" if field.length else "int"


def class_of(layout: Layout) -> Iterator[str]:
    fields = [field for field in layout.fields if field.name != "type"]
    names = NAMES.get(layout.name)
    yield f"class {layout.name}({'' if names is None else f'{names.__name__}, '}Message):"
    for field in fields:
        if hasattr(names, field.name):
            continue  # NAMES declares it with its own type
        yield "    @property"
        yield f"    def {field.name}(self) -> {type_of(field)}: ..."
    given = [f"{field.name}: {type_of(field)} = ..." for field in fields]
    line = f"    def __new__(cls, *, {', '.join(given)}) -> Self: ..."
    if len(line) <= 120:
        yield line
    else:
        yield from ("    def __new__(", "        cls,", "        *,")
        yield from (f"        {field}," for field in given)
        yield "    ) -> Self: ..."


def stub() -> str:
    """Return the content of the file."""
    classes = ["\n".join(class_of(layout)) for layout in SHEET.layouts]
    return HEAD + "\n" + "\n\n".join(classes) + "\n"
