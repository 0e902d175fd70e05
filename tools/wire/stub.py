"""Write ``messages.pyi``, the types of the messages for type checkers."""

from __future__ import annotations

from collections.abc import Iterator

from pricetime.wire.report import NAMES
from pricetime.wire.sheet import SHEET, Field, Layout

HEAD = """\
# Written by "make wire" from layout.pxd.
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, dataclass_transform

import numpy as np

from .report import ReportNames
from .sheet import Layout

@dataclass_transform(kw_only_default=True, frozen_default=True)
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
    @classmethod
    def _make(cls, values: Iterable[Any]) -> Self: ...
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
    names = NAMES.get(layout.name)
    used = [field for field in layout.fields if field.name != "type" and not field.is_zero]
    fields = [f"{field.name}: {type_of(field)} = ..." for field in used]
    if names is None:
        yield f"class {layout.name}(Message):"
        yield from (f"    {field}" for field in fields or ["..."])
    else:  # it has properties with the names of fields, of types of their own
        yield f"class {layout.name}({names.__name__}, Message):"
        yield from ("    def __init__(", "        self,", "        *,")
        yield from (f"        {field}," for field in fields)
        yield "    ) -> None: ..."
        yield from (f"    {field.name}: {type_of(field)}" for field in used if not hasattr(names, field.name))


def stub() -> str:
    """Return the content of the file."""
    classes = ["\n".join(class_of(layout)) for layout in SHEET.layouts]
    return HEAD + "\n" + "\n\n".join(classes) + "\n"
