"""Write the schema in ``pricetime.lua``, the dissector for Wireshark. Everything else in it is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

import pricetime
from pricetime.wire.sheet import SHEET, Field, enum_of

SCRIPT = Path(pricetime.__file__).parent / "wire" / "pricetime.lua"

#: Enums whose numbers are bits.
BITS = {"LoginFlag", "Instruction"}


def key(field: Field) -> str:
    """Return the name of a field in filters: the same in all messages, unless its numbers mean something else."""
    return {"SessionReason": "session_reason", "LoginFlag": "login_flags"}.get(enum_of(field) or "", field.name)


def enums() -> dict[str, str]:
    """Return the enum of each name. Messages in which a field is ignored have no enum for it."""
    fields = [field for layout in SHEET.layouts for field in layout.fields]
    return {key(field): enum for field in fields if (enum := enum_of(field))}


def lines() -> Iterator[str]:
    """Yield each enum with its names, and each message with its fields: name, type or number of bytes, and enum.

    A ~ is a space at which a line is not broken.
    """
    for enum in sorted(set(enums().values())):
        constants = [f"{constant.value}~{constant.name}" for constant in SHEET.constants[enum]]
        yield f"{'bits' if enum in BITS else 'enum'} {enum}: {', '.join(constants)}"
    for layout in SHEET.layouts:
        fields = [
            "~".join(filter(None, [key(field), str(field.length or field.type), enums().get(key(field))]))
            for field in layout.fields
        ]
        yield f"{layout.type} {layout.name}: {', '.join(fields)}"


def dissector() -> str:
    """Return the content of the file."""
    schema = "\n".join("\n".join(wrap(line, 120, subsequent_indent="    ")) for line in lines()).replace("~", " ")
    before, begin, rest = SCRIPT.read_text(encoding="utf-8").partition("local schema = [[\n")
    return before + begin + schema + "\n]]" + re.sub(r".*?^\]\]", "", rest, count=1, flags=re.DOTALL | re.MULTILINE)
