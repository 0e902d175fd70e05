"""What is written from the schema is what stands in the repository, and is right."""

import ast
import json
import re
import struct
from collections import Counter
from typing import Any

import pytest

from pricetime.wire import auth
from pricetime.wire.messages import MESSAGES, SIZES, ExecutionReport, Login, Message, decode
from pricetime.wire.report import NAMES
from pricetime.wire.session import Ended, Role, Session
from pricetime.wire.sheet import SHEET, Layout, constant_of
from tools.wire.__main__ import FILES, ROOT

VECTORS: dict[str, Any] = json.loads((ROOT / "docs/reference/wire-vectors.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/reference/wire.md").read_text(encoding="utf-8")
STUB = (ROOT / "src/pricetime/wire/messages.pyi").read_text(encoding="utf-8")

each_layout = pytest.mark.parametrize("layout", SHEET.layouts, ids=lambda layout: layout.name)


@pytest.mark.parametrize("name", FILES)
def test_it_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name](), "run make wire"


# ---------------------------------------------------------------------- messages.pyi


@each_layout
def test_the_stub_has_the_fields_of_the_class(layout: Layout) -> None:
    [described] = [node for node in ast.parse(STUB).body if isinstance(node, ast.ClassDef) and node.name == layout.name]
    methods = {node.name: node for node in described.body if isinstance(node, ast.FunctionDef)}
    kind = MESSAGES[layout.type]
    fields = {field.name: "bytes" if field.length else "int" for field in layout.fields if field.name != "type"}
    taken = methods.pop("__new__").args.kwonlyargs
    assert {argument.arg: ast.unparse(argument.annotation or ast.Constant(0)) for argument in taken} == fields
    elsewhere = {name for name in fields if hasattr(NAMES.get(layout.name), name)}  # with a type of their own
    described_here = {name: ast.unparse(node.returns or ast.Constant(0)) for name, node in methods.items()}
    assert described_here == {name: kind for name, kind in fields.items() if name not in elsewhere}
    message = kind(**{name: b"x" if of == "bytes" else 0 for name, of in fields.items()})
    assert all(type(getattr(message, name)).__name__ == of for name, of in fields.items() if name not in elsewhere)


def test_the_stub_has_the_names_of_the_module() -> None:
    from pricetime.wire import messages

    described = set()
    for node in ast.parse(STUB).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            described.add(node.name)
        elif isinstance(node, ast.AnnAssign):
            described.add(ast.unparse(node.target))
    assert described == set(vars(messages)["__all__"])


# ---------------------------------------------------------------------- the page


@each_layout
def test_the_diagram_has_every_byte(layout: Layout) -> None:
    section = PAGE.split(f"\n### {layout.name}\n")[1].split("\n### ")[0]
    drawn = section.split("```")[1]
    rows = re.findall(r"^ *(\d+) (\|.*\|)$", drawn, re.MULTILINE)
    assert [int(offset) for offset, _ in rows] == list(range(0, layout.size, 8))
    assert {len(row) for _, row in rows} == {33}
    walls = [(int(offset) + at // 4) for offset, row in rows for at, char in enumerate(row[:-1]) if char == "|"]
    fields = {field.offset for field in layout.fields}
    rest = {at for field in layout.fields for at in range(field.offset, field.offset + field.size, 8) if field.length}
    assert set(walls) == fields | rest
    table = re.findall(r"^\| (\d+) \| `(\w+)` \| (\w+)", section, re.MULTILINE)
    assert table == [(str(field.offset), field.name, field.type) for field in layout.fields]


def test_the_page_has_every_message_and_every_number() -> None:
    for layout in SHEET.layouts:
        assert f"| {layout.type} | [{layout.name}](#{layout.name.lower()}) | {layout.size} |" in PAGE
    for name in ("SessionReason", "RetransmitStatus", "AcknowledgementLevel", "LoginFlag", "Sizes and limits"):
        for constant in SHEET.constants[name]:
            assert f"`{constant.name}`" in PAGE
    assert "{" not in re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)


# ---------------------------------------------------------------------- the vectors


def read(vector: dict[str, Any]) -> Message:
    """A message from its values, as a program that knows the page makes it."""
    [kind] = [kind for kind in MESSAGES.values() if kind.__name__ == vector["message"]]
    lengths = {field.name: field.length for field in kind.LAYOUT.fields}
    values = {name: bytes.fromhex(value) if lengths[name] else int(value) for name, value in vector["fields"].items()}
    return kind(**values)


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: f"{vector['message']}-{vector['hex'][2:10]}")
def test_a_vector_both_ways(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["hex"])
    assert (data[0], len(data)) == (vector["type"], vector["size"])
    assert decode(data) == read(vector)
    assert read(vector).encode() == data


def test_every_message_has_vectors() -> None:
    count = Counter(vector["message"] for vector in VECTORS["messages"])
    assert set(count) == {kind.__name__ for kind in MESSAGES.values()}
    assert all(count[kind.__name__] >= (3 if kind.FIELDS else 1) for kind in MESSAGES.values())
    assert VECTORS["unknown_types"] == [number for number in range(256) if not SIZES[number]]


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: vector["login"][2:10])
def test_a_proof(vector: dict[str, str]) -> None:
    login = Login.decode(bytes.fromhex(vector["login"]))
    assert auth.verify(bytes.fromhex(vector["secret"]), bytes.fromhex(vector["nonce"]), login)


def test_the_session() -> None:
    """Both ends find nothing wrong with it."""
    ends = {role: Session(role, 0) for role in Role}
    for line in VECTORS["session"]:
        speaker, data = Role(line["from"]), bytes.fromhex(line["hex"])
        assert constant_of(line["message"]) == constant_of(type(decode(data)).__name__)
        assert ends[speaker].send(decode(data), 0) == data
        heard, *end = ends[speaker.other].receive(data, 0)
        assert heard == decode(data)
        assert all(isinstance(event, Ended) and event.reply == b"" for event in end)
    assert all(end.closed for end in ends.values())
    assert {line["message"] for line in VECTORS["session"]} >= {"Login", "NewOrder", "ExecutionReport", "Logout"}


# ---------------------------------------------------------------------- the checksum of a feed


def crc32c(data: bytes) -> int:
    """As the page describes it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def test_the_checksums_are_as_the_page_describes_them() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    checksum = 0
    for number, vector in enumerate(VECTORS["feed"], 1):
        report = bytes.fromhex(vector["hex"])
        assert ExecutionReport.decode(report).seq_num == number
        checksum = crc32c(report + struct.pack("<II", 48, checksum))
        assert vector["checksum"] == checksum
        assert f"| {number} | `{report.hex(' ', 8)}` | {checksum:#010x} |" in PAGE
    assert number == 3
