"""What tshark prints of captures made here, with the dissector that is written from the schema."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import pricetime
from pricetime.wire.messages import (
    MESSAGES,
    CancelOrder,
    Challenge,
    ExecutionReport,
    FeedHeartbeat,
    Login,
    LoginRejected,
    Message,
    NewOrder,
    RetransmitReply,
    SnapshotInstrument,
)
from pricetime.wire.sheet import Field, enum_of
from tests.wire.capture import datagram, stream, write
from tools.wire.dissector import combined, enums, key
from tools.wire.vectors import examples

SCRIPT = Path(pricetime.__file__).parent / "wire" / "pricetime.lua"
ORDERS, RECOVERY, FEED = 7001, 7002, 7003

needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="no tshark here (Debian: apt install tshark)")


def tshark(path: Path, packets: list[bytes], *arguments: str) -> list[str]:
    """The lines that tshark prints of these packets."""
    write(path / "made.pcap", packets)
    command = ["tshark", "-n", "-X", f"lua_script:{SCRIPT}", "-r", str(path / "made.pcap"), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"HOME": str(path)})
    assert "Lua" not in ran.stderr, ran.stderr
    return ran.stdout.splitlines()


def fields(path: Path, packets: list[bytes], *names: str) -> list[list[str]]:
    """Values of fields, of each packet."""
    wanted = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, packets, "-T", "fields", *wanted)]


@pytest.fixture(scope="module")
def dissected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """The fields of the examples of every message, by its name: of one capture, since tshark takes long to start."""
    packets: list[bytes] = []
    kinds: list[str] = []
    for kind in MESSAGES.values():
        packets += stream(ORDERS, 50000 + kind.TYPE, [message.encode() for message in examples(kind)])
        kinds += [kind.__name__] * (len(packets) - len(kinds))
    names = sorted({f"pricetime.{key(field)}" for kind in MESSAGES.values() for field in shown(kind)})
    rows = fields(tmp_path_factory.mktemp("every"), packets, "pricetime.type", *names)
    assert len(rows) == len(packets)
    found: dict[str, list[dict[str, str]]] = {}
    for name, row in zip(kinds, rows, strict=True):
        found.setdefault(name, []).append(dict(zip(["pricetime.type", *names], row, strict=True)))
    return found


def shown(kind: type[Message]) -> list[Field]:
    return [field for field in kind.LAYOUT.fields if field.name in kind.FIELDS]


@needs_tshark
@pytest.mark.parametrize("kind", MESSAGES.values(), ids=lambda kind: kind.__name__)
def test_every_field_of_every_message(dissected: dict[str, list[dict[str, str]]], kind: type[Message]) -> None:
    for row, message in zip(dissected[kind.__name__], examples(kind), strict=True):
        expected = {"pricetime.type": str(message.type)}
        for field in shown(kind):
            value = getattr(message, field.name)
            expected[f"pricetime.{key(field)}"] = value.hex() if field.length else str(value)
        assert {name for name, value in row.items() if value} <= set(expected)
        expected.pop("pricetime.symbol", None)
        assert {name: row[name] for name in expected} == expected


@needs_tshark
def test_a_stream_in_odd_segments(tmp_path: Path) -> None:
    """Messages that are cut by the end of a segment are put together, many in one segment are taken apart."""
    orders = [NewOrder(side=1, order_id=number, price=-number, quantity=2**63) for number in range(1, 11)]
    data = b"".join(order.encode() for order in orders) + CancelOrder(order_id=99).encode()
    for size in (1, 7, 39, 41, 100, 1000):
        packets = stream(50001, ORDERS, [data[at : at + size] for at in range(0, len(data), size)])
        found = fields(tmp_path, packets, "pricetime.order_id", "pricetime.price")
        ids = [number for row in found for number in row[0].split(",") if number]
        assert ids == [*(str(number) for number in range(1, 11)), "99"], size
        assert [price for row in found for price in row[1].split(",") if price] == [str(-n) for n in range(1, 11)]


@needs_tshark
def test_a_datagram_of_many_reports(tmp_path: Path) -> None:
    reports = [ExecutionReport(kind=2, side=2, seq_num=number, price=5, quantity=number) for number in range(1, 31)]
    packets = [
        datagram(FEED, b"".join(r.encode() for r in reports)),
        datagram(FEED, FeedHeartbeat(seq_num=31).encode()),
    ]
    found = fields(tmp_path, packets, "pricetime.seq_num", "pricetime.kind")
    assert found == [[",".join(map(str, range(1, 31))), ",".join(["2"] * 30)], ["31", ""]]


@needs_tshark
def test_the_names_of_numbers(tmp_path: Path) -> None:
    sent: list[Message] = [
        NewOrder(side=1, order_type=1, time_in_force=3, instructions=1, quantity=5, price=-100, order_id=7),
        ExecutionReport(kind=7, reason=8, side=2, seq_num=3),
        LoginRejected(reason=4, owner=7),
        Login(flags=3, owner=7),
        RetransmitReply(status=1),
        SnapshotInstrument(symbol=b"ABC", phase=1, instrument=3),
        Challenge(nonce=b"\1"),
    ]
    packets = [packet for message in sent for packet in stream(ORDERS, 50000 + message.type, [message.encode()])]
    text = "\n".join(tshark(tmp_path, packets, "-V"))
    for expected in (
        "side: BID (1)",
        "order_type: MARKET (1)",
        "time_in_force: IOC (3)",
        "instructions: POST_ONLY (1)",
        "kind: REJECTED (7)",
        "reason: DUPLICATE_ORDER_ID (8)",
        "session_reason: SEQUENCE_GONE (4)",
        "login_flags: KEEP_ORDERS, RESUME (3)",
        "status: RANGE_GONE (1)",
        "phase: HALTED (1)",
        "symbol: ABC",
    ):
        assert expected in text
    lines = tshark(tmp_path, packets)
    assert lines[0].endswith("pricetime 80 NewOrder BID order_id=7 price=-100 quantity=5")
    assert lines[1].endswith("ExecutionReport REJECTED ASK DUPLICATE_ORDER_ID seq_num=3")


@needs_tshark
def test_what_is_wrong_is_marked(tmp_path: Path) -> None:
    bad = [b"\xff" * 20, CancelOrder(zero2=1).encode(), NewOrder().encode()]
    packets = [packet for at, data in enumerate(bad) for packet in stream(50001 + at, RECOVERY, [data])]
    packets.append(datagram(FEED, ExecutionReport(seq_num=1).encode() + b"\x10" * 10))
    found = fields(tmp_path, packets, "_ws.expert.message")
    assert found == [
        ["unknown message type"],
        ["a field that must be 0 is not 0"],
        [""],
        ["the message is incomplete"],
    ]


@needs_tshark
def test_other_ports(tmp_path: Path) -> None:
    packets = stream(50001, 9000, [NewOrder(order_id=5).encode()])
    assert fields(tmp_path, packets, "pricetime.order_id") == [[""]]
    chosen = ["-o", "pricetime.tcp_ports:9000", "-T", "fields", "-e", "pricetime.order_id"]
    assert tshark(tmp_path, packets, *chosen) == ["5"]
    as_told = ["-d", "tcp.port==9000,pricetime", "-T", "fields", "-e", "pricetime.order_id"]
    assert tshark(tmp_path, packets, *as_told) == ["5"]


def test_a_name_has_one_meaning() -> None:
    """Fields under one name have one size and, where their numbers have names, the same."""
    meant: dict[str, set[tuple[str, int]]] = {}
    for kind in MESSAGES.values():
        for field in kind.LAYOUT.fields:
            if not field.is_zero:
                meant.setdefault(key(field), set()).add((field.type, field.length))
                assert enum_of(field) in {None, enums().get(key(field))}
    assert all(len(types) == 1 for types in meant.values())
    assert combined("LoginFlag") == [(0, "none"), (1, "KEEP_ORDERS"), (2, "RESUME"), (3, "KEEP_ORDERS, RESUME")]
    assert dict(combined("Instruction"))[133] == "POST_ONLY, AT_THE_CLOSE, EXTENDED"
