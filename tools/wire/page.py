"""Write the tables and diagrams of ``wire.md`` from the schema. Everything else on the page is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pricetime.types import SelfTrade
from pricetime.wire.messages import MESSAGES
from pricetime.wire.rules import RULES
from pricetime.wire.sheet import SHEET, Constant, Field, Layout, enum_of
from pricetime.wire.types import WIRE_VERSION
from tools.wire.vectors import history

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "wire.md"

#: Short names of fields for which the diagram has no room.
SHORT = {
    "price_decimals": "digits",
    "type": "typ",
    "side": "sid",
    "time_in_force": "tif",
    "flags": "flg",
    "kind": "knd",
    "reason": "rsn",
    "version": "ver",
    "open": "opn",
    "level": "lvl",
    "status": "sta",
    "phase": "pha",
    "busy": "bsy",
    "order_type": "otp",
    "instructions": "ins",
    "login_timeout_ms": "timeout_ms",
    "orders_per_second": "per_second",
    "auction": "auc",
    "auction_priced": "prc",
    "surplus_side": "sid",
}

RULER = "     +---+---+---+---+---+---+---+---+"

#: How a table refers to an enum.
REFERENCES = {
    "Side": "`Side` (1 bid, 2 ask)",
    "TimeInForce": "[`TimeInForce`](records.md#the-fields-of-a-command)",
    "ReportKind": "[`ReportKind`](records.md#the-fields-of-a-report)",
    "Reason": "[`Reason`](errors.md#reasons)",
    "OrderType": "[`OrderType`](records.md#the-fields-of-a-command)",
    "Instruction": "[`Instruction`](records.md#the-fields-of-a-command)",
    "Phase": "[`Phase`](../concepts/orders.md#phases-and-price-bands)",
    "SessionReason": "[`SessionReason`](#sessionreason)",
    "RetransmitStatus": "[`RetransmitStatus`](#retransmitstatus)",
    "AcknowledgementLevel": "[`AcknowledgementLevel`](#acknowledgementlevel)",
    "LoginFlag": "[`LoginFlag`](#loginflag)",
}

#: The enums that have a table on this page.
OWN = ("SessionReason", "RetransmitStatus", "AcknowledgementLevel", "LoginFlag")


def cell(field: Field) -> str:
    """Return a field of a diagram: its name, and its type if there is room."""
    room = 4 * field.size - 1
    name = "0" if field.is_zero else SHORT.get(field.name, field.name) if field.size < 8 else field.name
    unit = re.match(r"(ticks|lots|ns)\b", field.meaning)
    kind = field.type + (f", {unit[1]}" if unit else "")
    if field.size == 1:
        return name.center(room)
    if len(name) + len(kind) + 2 > room:
        kind = field.type if len(name) + len(field.type) + 2 <= room else ""
    return f" {name}{kind:>{max(room - len(name) - 2, len(kind) + 1)}} "[:room]


def diagram(layout: Layout) -> Iterator[str]:
    """Yield the lines of a diagram, eight bytes in a row."""
    yield " byte  0   1   2   3   4   5   6   7"
    yield RULER
    row = ""
    for field in layout.fields:
        if field.length:
            yield f"{field.offset:>4} | {field.name}{f'{field.length} bytes':>{29 - len(field.name)}} |"
            yield from (f"{at:>4} |{' ' * 31}|" for at in range(field.offset + 8, field.offset + field.size, 8))
            yield RULER
            continue
        row += ("|" if row else f"{field.offset:>4} |") + cell(field)
        if (field.offset + field.size) % 8 == 0:
            yield row + "|"
            yield RULER
            row = ""


def meaning(field: Field) -> str:
    """Return what the table says about a field."""
    if field.is_zero:
        return "0"
    enum = enum_of(field)
    if enum:
        return REFERENCES[enum] + field.meaning.removeprefix(enum)
    return re.sub(r"\b([A-Z]+_[A-Z_]+|Snapshot\w+)\b", r"`\1`", field.meaning).replace("2**", "2^")


def message(layout: Layout) -> Iterator[str]:
    yield f"### {layout.name}"
    yield ""
    yield f"Type {layout.type}, {layout.size} bytes. {layout.direction}: {layout.purpose}"
    yield ""
    yield from ("```", *diagram(layout), "```", "")
    yield "| byte | field | type | meaning |"
    yield "|---|---|---|---|"
    for field in layout.fields:
        kind = f"{field.type} x {field.length}" if field.length else field.type
        told = str(layout.type) if field.name == "type" else meaning(field)
        yield f"| {field.offset} | `{field.name}` | {kind} | {told} |"
    yield ""


def enum(name: str) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    yield from ("| value | name | |", "|---|---|---|")
    yield from (f"| {constant.value} | `{constant.name}` | {constant.meaning} |" for constant in SHEET.constants[name])
    yield ""


def summary() -> Iterator[str]:
    for layout in SHEET.layouts:
        name = f"[{layout.name}](#{layout.name.lower()})"
        who, _, _ = layout.direction.partition(",")
        yield f"| {layout.type} | {name} | {layout.size} | {who} | {layout.purpose} |"


def rules() -> Iterator[str]:
    """Yield the table of a session; messages that lead to the same state share a row."""
    for state, speakers in RULES.items():
        for role, row in speakers.items():
            for after in dict.fromkeys(row.values()):
                names = ", ".join(MESSAGES[kind].__name__ for kind in row if row[kind] is after)
                yield f"| {state.value} | {role.value} | {names} | {after.value} |"


def limits() -> Iterator[str]:
    constants: tuple[Constant, ...] = SHEET.constants["Sizes and limits"]
    yield from (f"| `{constant.name}` | {constant.value} | {constant.meaning} |" for constant in constants)


def checksums() -> Iterator[str]:
    for number, (report, checksum) in enumerate(history(), 1):
        yield f"| {number} | `{report.hex(' ', 8)}` | {checksum:#010x} |"


def self_trade() -> Iterator[str]:
    yield "| 0 | default of the instrument |"
    yield from (f"| {mode.value} | `{mode.name}` |" for mode in SelfTrade)


def with_rows(text: str, header: str, rows: Iterable[str]) -> str:
    """Replace the rows of the table with this header."""
    head, rest = text.split(f"{header}\n", 1)
    ruler, *others = rest.splitlines(keepends=True)
    after = next(number for number, line in enumerate(others) if not line.startswith("|"))
    return "".join([head, f"{header}\n", ruler, *(f"{row}\n" for row in rows), *others[after:]])


def with_part(text: str, before: str, lines: Iterable[str], after: str) -> str:
    """Replace what is between two headings."""
    head, rest = text.split(f"\n{before}\n", 1)
    return "".join([head, f"\n{before}\n\n", *(f"{line}\n" for line in lines), rest[rest.index(f"{after}\n") :]])


def page() -> str:
    """Return the content of the file: the present one, with its generated parts replaced."""
    text = re.sub(r"This is version \d+", f"This is version {WIRE_VERSION}", PAGE.read_text(encoding="utf-8"))
    text = with_rows(text, "| type | message | bytes | sender | purpose |", summary())
    text = with_rows(text, "| state | sender | message | next state |", rules())
    text = with_rows(text, "| report | bytes | checksum |", checksums())
    text = with_part(text, "## Messages", (line for layout in SHEET.layouts for line in message(layout)), "## Numbers")
    text = with_part(text, "## Numbers", (line for name in OWN for line in enum(name)), "### SelfTrade")
    text = with_rows(text, "| value | name |", self_trade())
    return with_rows(text, "| name | value | |", limits())
