"""Write ``pricetime.lua``, the dissector for Wireshark, from the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pricetime.wire.messages import MESSAGES
from pricetime.wire.sheet import SHEET, Field, enum_of

KINDS = {"u8": "uint8", "u16": "uint16", "u32": "uint32", "u64": "uint64", "i64": "int64"}

#: Fields that the line of a packet shows if they are not 0.
IN_SHORT = ("owner", "kind", "side", "quantity", "price", "order_id", "seq_num", "next_sequence", "count", "reason")


def text(words: str) -> str:
    """Return a string literal of Lua."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


def key(field: Field) -> str:
    """Return the name of a field in filters: the same in all messages, unless its numbers mean something else."""
    return {"SessionReason": "session_reason", "LoginFlag": "login_flags"}.get(enum_of(field) or "", field.name)


def enums() -> dict[str, str]:
    """Return the enum of each name. Messages in which a field is ignored have no enum for it."""
    fields = [field for layout in SHEET.layouts for field in layout.fields]
    return {key(field): enum for field in fields if (enum := enum_of(field))}


def names(enum: str) -> str:
    """Return the name of the table of an enum."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum).lower() + "_names"


def combined(enum: str) -> list[tuple[int, str]]:
    """Return every combination of the bits of an enum with the names of the bits that are set."""
    found = [(0, "none")]
    for bit in SHEET.constants[enum]:
        found += [(bits + bit.value, f"{names}, {bit.name}" if bits else bit.name) for bits, names in found]
    return found


def value_strings() -> Iterator[str]:
    for enum in sorted(set(enums().values())):
        yield f"local {names(enum)} = {{"
        constants = [(constant.value, constant.name) for constant in SHEET.constants[enum]]
        if enum in {"LoginFlag", "Instruction"}:  # bits
            constants = combined(enum)
        yield from (f"    [{value}] = {text(name)}," for value, name in constants)
        yield "}"
        yield ""
    yield "local type_names = {"
    yield from (f"    [{number}] = {text(kind.__name__)}," for number, kind in MESSAGES.items())
    yield "}"


def proto_fields() -> Iterator[str]:
    made = {"type": 'ProtoField.uint8("pricetime.type", "type", base.DEC, type_names)'}
    for layout in SHEET.layouts:
        for field in layout.fields:
            name = key(field)
            if not field.is_zero and name not in made:
                shown = f", base.DEC, {names(enums()[name])}" if name in enums() else ""
                kind = "stringz" if name == "symbol" else "bytes" if field.length else KINDS[field.type]
                made[name] = f"ProtoField.{kind}({text('pricetime.' + name)}, {text(name)}{shown})"
    yield "local fields = {"
    yield from (f"    [{text(name)}] = {field}," for name, field in made.items())
    yield "}"


def messages() -> Iterator[str]:
    """Yield size and fields of each type: key, offset, size, and how the line of a packet shows it."""
    yield "local messages = {"
    for layout in SHEET.layouts:
        yield f"    [{layout.type}] = {{ size = {layout.size},"
        yield "        fields = {"
        for field in layout.fields:
            if not field.is_zero:
                label = f", short = {text(field.name)}" if field.name in IN_SHORT else ""
                name = key(field)
                table = f", names = {names(enums()[name])}" if name in enums() else ""
                signed = ", signed = true" if field.type.startswith("i") else ""
                yield f"            {{ {text(name)}, {field.offset}, {field.size}{label}{table}{signed} }},"
        yield "        },"
        zeros = [f"{{ {field.offset}, {field.size} }}" for field in layout.fields if field.is_zero]
        yield f"        zeros = {{ {', '.join(zeros)} }} }}," if zeros else "        zeros = {} },"
    yield "}"


def dissector() -> str:
    """Return the content of the file."""
    template = Path(__file__).with_name("dissector.lua").read_text(encoding="utf-8")
    made = {"value_strings": value_strings, "fields": proto_fields, "messages": messages}
    return re.sub(r"^-- \{(\w+)\}$", lambda found: "\n".join(made[found[1]]()), template, flags=re.MULTILINE)
