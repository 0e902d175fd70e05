"""The reference names everything public, and shows the records of the code."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import pricetime
from pricetime.reference import ReferenceBook
from pricetime.types import CommandType, ReportKind

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
RECORDS = (ROOT / "docs" / "reference" / "records.md").read_text(encoding="utf-8")

#: Names of fields that the diagram has no room for.
SHORT = {"type": "typ", "kind": "knd", "side": "sid", "reason": "rsn", "time_in_force": "tif", "flags": "flg"}
SHORT |= {"length": "len", "order_type": "ord", "instructions": "ins"}


def public_members() -> list[tuple[str, str]]:
    """Class and name of every member. Uncompiled, a class also shows what is for compiled callers."""
    found = [("Instrument", field.name) for field in fields(pricetime.Instrument)]
    for kind in (pricetime.OrderBook, pricetime.Engine) if pricetime.COMPILED else ():
        found += [(kind.__name__, name) for name in dir(kind)]
    return [(kind, name) for kind, name in found if not name.startswith("_")]


@pytest.mark.parametrize("name", pricetime.__all__)
def test_public_name(name: str) -> None:
    assert re.search(rf"\b{name}\b", API)


@pytest.mark.parametrize(("kind", "name"), public_members())
def test_public_member(kind: str, name: str) -> None:
    section = API.split(f"\n## {kind}\n")[1].split("\n## ")[0]
    assert re.search(rf"^\|[^|]*`{name}\b", section, re.MULTILINE)


CALLS = ["add_order", "match_order", "cancel_order", "mass_cancel", "reduce_order", "replace_order", "set_phase"]


@pytest.mark.parametrize("name", CALLS)
def test_signature(name: str) -> None:
    """Of the reference book, which can be asked for it in both forms; other tests hold the two to the same calls."""
    (shown,) = re.findall(rf"^{name}\(([^)]*)\)$", API, re.MULTILINE)
    parameters = list(inspect.signature(getattr(ReferenceBook, name)).parameters.values())
    parameters = [p for p in parameters if p.name != "self"]
    given = [p.name for p in parameters if p.default is p.empty]
    options = [f"{p.name}={getattr(p.default, 'name', p.default)}" for p in parameters if p.default is not p.empty]
    assert " ".join(shown.split()) == ", ".join([*given, *(["*", *options] if options else [])])


@pytest.mark.parametrize("record", ["COMMAND", "REPORT"])
def test_the_diagram_has_every_field_in_its_row(record: str) -> None:
    dtype: np.dtype[np.void] = getattr(pricetime, record)
    part = slice(40) if record == "COMMAND" else slice(40, None)
    rows = [line[part] for line in RECORDS.split("```")[1].splitlines()]
    offset = 0
    for name in dtype.names or ():
        (row,) = [row for row in rows if re.match(rf"\s+{offset - offset % 8} \|", row)]
        assert re.search(rf"\b{SHORT.get(name, name)}\b", row)
        offset += dtype[name].itemsize


def test_the_table_has_the_type_of_every_field_of_a_command() -> None:
    found = dict(re.findall(r"^\| `(\w+)` \| ([ui]\d+) \|", RECORDS, re.MULTILINE))
    for name in pricetime.COMMAND.names or ():
        dtype = pricetime.COMMAND[name]
        assert found[name] == f"{dtype.kind}{8 * dtype.itemsize}"


@pytest.mark.parametrize("member", [*CommandType, *ReportKind], ids=lambda member: member.name)
def test_numbers(member: CommandType | ReportKind) -> None:
    assert re.search(rf"^\| {int(member)} \| `{member.name}` \|", RECORDS, re.MULTILINE)
