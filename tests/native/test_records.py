"""The schema of the core, as the uncompiled form reads it, is that of the public types and of the C header."""

import re
from enum import IntEnum
from pathlib import Path

import numpy as np
import pytest

import pricetime
from pricetime import types
from pricetime.native import integers
from pricetime.native.records import Cells, Integer, read_schema

PACKAGE = Path(pricetime.__file__).parent
SHEET = read_schema(PACKAGE / "core" / "layout.pxd", vars(integers))
ENUMS = [
    types.Side,
    types.OrderType,
    types.TimeInForce,
    types.Instruction,
    types.Phase,
    types.SelfTrade,
    types.ReplacePolicy,
    types.CommandType,
    types.ReportKind,
    types.Reason,
]


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_constants_are_those_of_the_public_enumerations(enum: type[IntEnum]) -> None:
    assert {member.name: SHEET[member.name] for member in enum} == {member.name: member.value for member in enum}


def test_type_of_a_report() -> None:
    assert SHEET["EXECUTION_REPORT"] == types.EXECUTION_REPORT


@pytest.mark.parametrize(
    ("record", "dtype"),
    [
        ("Command", types.COMMAND),
        ("OrderExtension", types.ORDER_EXTENSION),
        ("Report", types.REPORT),
        ("RestingOrder", types.RESTING_ORDER),
        ("InstrumentState", types.INSTRUMENT_STATE),
        ("UnfinishedCancel", types.UNFINISHED_CANCEL),
        ("SnapshotOrder", types.SNAPSHOT_ORDER),
        ("PassiveResult", types.PASSIVE_RESULT),
    ],
)
def test_records_have_the_fields_of_the_public_dtypes(record: str, dtype: np.dtype[np.void]) -> None:
    assert SHEET[record].__slots__ == dtype.names
    assert SHEET[record].size == dtype.itemsize


@pytest.mark.parametrize(
    ("record", "size"), [("Order", 32), ("OrderCold", 32), ("Level", 32), ("Node", 280), ("IdEntry", 8)]
)
def test_sizes_in_memory(record: str, size: int) -> None:
    assert SHEET[record].size == size


def test_a_fresh_record_is_zero_and_shows_itself() -> None:
    entry = SHEET["IdEntry"]()
    assert (entry.tag, entry.slot) == (0, 0)
    entry.slot = 7
    assert repr(entry) == "IdEntry(tag=0, slot=7)"
    node = SHEET["Node"]()
    assert node.children == [0] * 64


def test_records_of_one_array_do_not_share_fields() -> None:
    books = Cells(SHEET["Book"], 2)
    books[0].ladders[0].root = 5
    assert books[1].ladders[0].root == books[0].ladders[1].root == 0


def test_cells_refuse_what_is_beyond_their_end() -> None:
    cells = Cells(SHEET["u32"], 3)
    assert cells
    assert cells[2] == 0
    for index in (3, -1):
        with pytest.raises(IndexError, match=f"cell {index} of 3"):
            cells[index]


@pytest.mark.parametrize(
    ("c_name", "value", "expected"),
    [
        ("unsigned char", 256 + 3, 3),
        ("unsigned int", -1, 2**32 - 1),
        ("unsigned long long", 2**64 + 5, 5),
        ("long long", 2**63, -(2**63)),
        ("long long", -1, -1),
        ("unsigned short", 65535, 65535),
        ("unsigned __int128", 2**128 + 5, 5),
        ("__int128", 2**127, -(2**127)),
    ],
)
def test_integers_convert_as_c_does(c_name: str, value: int, expected: int) -> None:
    assert Integer(c_name)(value) == expected


def test_the_header_of_the_c_api_has_the_same_records_and_constants() -> None:
    header = (PACKAGE / "include" / "pricetime.h").read_text(encoding="utf-8")
    c_types = {"uint8_t": "u8", "uint16_t": "u16", "uint32_t": "u32", "uint64_t": "u64", "int64_t": "i64"}
    for record, name in (("Command", "command"), ("OrderExtension", "order_extension"), ("Report", "report")):
        body = re.search(rf"typedef struct \{{([^}}]*)\}} pt_{name};", header)
        assert body is not None
        fields = re.findall(r"(u?int\d+_t) (\w+);", body[1])
        assert tuple(name for _, name in fields) == SHEET[record].__slots__
        assert sum(SHEET[c_types[c_type]].size for c_type, _ in fields) == SHEET[record].size
    constants = re.findall(r"PT_(\w+) = (\d+)", header)
    assert len(constants) > 15
    assert {name: SHEET[name] for name, _ in constants} == {name: int(number) for name, number in constants}
