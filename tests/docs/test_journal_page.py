"""The page of the journal shows the structs of the schema, byte for byte."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "journal.md").read_text(encoding="utf-8")
SHEET = (ROOT / "src" / "pricetime" / "log" / "layout.pxd").read_text(encoding="utf-8")
BYTES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}

Row = tuple[int, str, str]


def struct_of_sheet(name: str) -> list[Row]:
    """Offset, field and type of each field."""
    body = SHEET.split(f"ctypedef packed struct {name}:")[1].split("\n\n")[0]
    rows, offset = [], 0
    for kind, field, length in re.findall(r"^    (\w+) (\w+)(?:\[(\d+)\])?", body, re.MULTILINE):
        rows.append((offset, field, kind + (f"[{length}]" if length else "")))
        offset += BYTES[kind] * int(length or 1)
    return rows


def struct_of_page(name: str) -> list[Row]:
    section = PAGE.split(f"### {name}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (u[\d\[\]]+) \|", section, re.MULTILINE)
    return [(int(offset), field, kind) for offset, field, kind in rows]


@pytest.mark.parametrize("name", ["SegmentHead", "SnapshotHead", "SnapshotOwner"])
def test_struct(name: str) -> None:
    assert struct_of_page(name) == struct_of_sheet(name)


def test_constants() -> None:
    found = dict(re.findall(r"^    (\w+) = (\d+)$", SHEET, re.MULTILINE))
    assert f"\n\nVersion {found['VERSION']}." in PAGE
    assert f"next multiple of {found['PAGE']}" in PAGE
    assert f"`type` {found['CHECKPOINT']} is a checkpoint" in PAGE
