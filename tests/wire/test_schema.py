"""The schema is read as it stands, and what stands in it can be."""

import re
from enum import IntEnum
from pathlib import Path

import pytest

import pricetime
from pricetime import types as words
from pricetime.wire import types
from pricetime.wire.sheet import SHEET, Constant, Field, Layout, constant_of, enum_of, read_constants, read_layouts

PATH = Path(pricetime.__file__).parent / "wire" / "layout.pxd"

TEXT = """\
cdef enum:
    # Colour: of a thing
    RED = 1
    BLUE = 0x10                # as the sky
    # Sizes
    MOST = 7

# Either way: look at this,
# and then at that.
ctypedef packed struct LookHere:
    u8 type
    u8 colour                  # Colour
    u16 zero
    i64 where
    u8 name[5]                 # in ASCII
"""


def test_a_sheet_is_read() -> None:
    assert read_constants(TEXT) == {
        "Colour": (Constant("RED", 1, ""), Constant("BLUE", 16, "as the sky")),
        "Sizes": (Constant("MOST", 7, ""),),
    }
    [layout] = read_layouts(TEXT, {"LOOK_HERE": 9})
    assert layout == Layout(
        "LookHere",
        9,
        "Either way",
        "look at this, and then at that.",
        (
            Field("type", "u8", 0, 0, ""),
            Field("colour", "u8", 0, 1, "Colour"),
            Field("zero", "u16", 0, 2, ""),
            Field("where", "i64", 0, 4, ""),
            Field("name", "u8", 5, 12, "in ASCII"),
        ),
    )
    assert layout.size == 17
    assert layout.constant == "LOOK_HERE" == constant_of("LookHere")
    assert [field.code for field in layout.fields] == ["B", "B", "H", "q", "5s"]
    assert [field.is_zero for field in layout.fields] == [False, False, True, False, False]


def test_no_line_of_the_sheet_is_overlooked() -> None:
    text = PATH.read_text(encoding="utf-8")
    assert len(re.findall(r"\bstruct\b", re.sub("#.*", "", text))) == len(SHEET.layouts)
    fields = re.findall(r"^    (?:u8|u16|u32|u64|i64) ", text, re.MULTILINE)
    assert len(fields) == sum(len(layout.fields) for layout in SHEET.layouts)
    here = read_constants(text)
    assert len(re.findall(r"^    [A-Z_]+ = ", text, re.MULTILINE)) == sum(map(len, here.values()))
    assert "" not in here


@pytest.mark.parametrize("layout", SHEET.layouts, ids=lambda layout: layout.name)
def test_a_layout_can_be(layout: Layout) -> None:
    assert layout.fields[0] == Field("type", "u8", 0, 0, "")
    assert layout.size % 8 == 0
    for field in layout.fields:
        assert field.offset % min(field.size, 8) == 0 or field.length, "a field lies at a multiple of its size"
    assert layout.direction
    assert layout.purpose.endswith(".")
    said = [field.name for field in layout.fields if field.meaning]
    assert said == [field.name for field in layout.fields[1:] if not field.is_zero]


def test_types_are_told_apart() -> None:
    assert len({layout.type for layout in SHEET.layouts}) == len(SHEET.layouts)


ENUMS: list[type[IntEnum]] = [
    types.SessionReason,
    types.RetransmitStatus,
    types.AcknowledgementLevel,
    types.LoginFlag,  # type: ignore[list-item]
    words.Side,
    words.OrderType,
    words.TimeInForce,
    words.Instruction,  # type: ignore[list-item]
    words.SelfTrade,
    words.ReportKind,
    words.Reason,
    words.Phase,
]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_the_names_of_numbers(enum: type[IntEnum]) -> None:
    assert {constant.name: constant.value for constant in SHEET.constants[enum.__name__]} == {
        name: int(member) for name, member in enum.__members__.items()
    }


def test_the_types_of_messages() -> None:
    assert {layout.constant: layout.type for layout in SHEET.layouts} == {
        kind.name: int(kind) for kind in types.MessageType
    }


def test_sizes_and_limits() -> None:
    for constant in SHEET.constants["Sizes and limits"]:
        assert getattr(types, constant.name) == constant.value
    lengths = {field.name: field.length for layout in SHEET.layouts for field in layout.fields if field.length}
    assert lengths == {
        "nonce": types.NONCE_BYTES,
        "proof": types.PROOF_BYTES,
        "symbol": types.SYMBOL_BYTES,
        "leader": types.ADDRESS_BYTES,
    }


def test_the_fields_whose_numbers_have_names() -> None:
    found = {(field.name, enum_of(field)) for layout in SHEET.layouts for field in layout.fields if enum_of(field)}
    assert found == {
        ("side", "Side"),
        ("time_in_force", "TimeInForce"),
        ("kind", "ReportKind"),
        ("reason", "Reason"),
        ("reason", "SessionReason"),
        ("status", "RetransmitStatus"),
        ("phase", "Phase"),
        ("auction", "ReportKind"),
        ("surplus_side", "Side"),
        ("order_type", "OrderType"),
        ("instructions", "Instruction"),
        ("level", "AcknowledgementLevel"),
        ("flags", "LoginFlag"),
    }
