"""Messages, both ways: their bytes, their arrays, and what they refuse."""

import copy
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime import REPORT, Reason, ReportKind, Side
from pricetime.types import SNAPSHOT_ORDER
from pricetime.wire import messages
from pricetime.wire.errors import MessageError
from pricetime.wire.messages import (
    DTYPES,
    MAX_SIZE,
    MESSAGES,
    SIZES,
    CancelOrder,
    ExecutionReport,
    Login,
    Message,
    NewOrder,
    RetransmitRequest,
    SnapshotInstrument,
    SnapshotOrder,
    decode,
)
from tests.wire.strategies import KINDS, MESSAGES_OF, ends
from tests.wire.strategies import messages as any_message

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def test_bytes_by_hand() -> None:
    """What stands in the design, byte for byte, without help of the sheet."""
    order = NewOrder(side=2, time_in_force=1, flags=3, instrument=7, order_id=2**47, price=-1, quantity=5, tag=9)
    assert order.encode() == struct.pack("<BBBBIQqQII", 1, 2, 1, 3, 7, 2**47, -1, 5, 0, 9)
    report = ExecutionReport(
        kind=2, side=1, reason=39, instrument=3, seq_num=4, order_id=5, maker_id=6, price=-7, quantity=8
    )
    assert report.encode() == struct.pack("<BBBBIQQQqQ", 16, 2, 1, 39, 3, 4, 5, 6, -7, 8)
    login = Login(version=1, flags=2, owner=65535, next_sequence=10, proof=bytes(range(32)))
    assert login.encode() == struct.pack("<BBBBIQ", 33, 1, 2, 0, 65535, 10) + bytes(range(32))


@given(any_message)
def test_there_and_back(message: Message) -> None:
    data = message.encode()
    assert len(data) == message.SIZE == SIZES[data[0]]
    assert data[0] == message.type == message.TYPE
    assert decode(data) == message
    assert type(decode(data)) is type(message)
    assert type(message).decode(memoryview(data)) == message
    assert not message.malformed


@each_kind
@given(data=st.data())
def test_any_bytes_of_the_right_size_are_a_message(kind: type[Message], data: st.DataObject) -> None:
    body = bytes([kind.TYPE]) + data.draw(st.binary(min_size=kind.SIZE - 1, max_size=kind.SIZE - 1))
    message = kind.decode(body)
    assert message.encode() == body
    zeros = [field for field in kind.LAYOUT.fields if field.is_zero]
    assert message.malformed == any(any(body[z.offset : z.offset + z.size]) for z in zeros)


@each_kind
@given(data=st.data())
def test_the_array_has_the_same_bytes_and_the_same_values(kind: type[Message], data: st.DataObject) -> None:
    some = data.draw(st.lists(MESSAGES_OF[kind], min_size=1, max_size=5))
    array = np.frombuffer(b"".join(message.encode() for message in some), DTYPES[kind])
    assert len(array) == len(some)
    for row, message in zip(array, some, strict=True):
        for field in kind.LAYOUT.fields:
            expected = getattr(message, field.name)
            assert (row[field.name].tobytes() if field.length else int(row[field.name])) == expected


def test_records_of_the_core_are_messages() -> None:
    assert DTYPES[ExecutionReport] == REPORT
    assert DTYPES[SnapshotOrder] == SNAPSHOT_ORDER


@each_kind
def test_cut_at_every_byte(kind: type[Message]) -> None:
    data = kind().encode()
    for length in range(kind.SIZE):
        with pytest.raises(MessageError, match=rf"{kind.__name__} has {kind.SIZE} bytes .* got {length} bytes"):
            kind.decode(data[:length])
    with pytest.raises(MessageError):
        kind.decode(data + b"\0")


@each_kind
def test_another_type(kind: type[Message]) -> None:
    with pytest.raises(MessageError, match="the first 0"):
        kind.decode(bytes(kind.SIZE))


@pytest.mark.parametrize("number", sorted(set(range(256)) - set(MESSAGES)))
def test_no_such_type(number: int) -> None:
    assert SIZES[number] == 0
    with pytest.raises(MessageError, match=f"type {number}$"):
        decode(bytes([number]) * MAX_SIZE)


def test_nothing_is_no_message() -> None:
    with pytest.raises(MessageError, match="no bytes"):
        decode(b"")


@each_kind
def test_a_field_out_of_range(kind: type[Message]) -> None:
    for field in kind.LAYOUT.fields:
        if field.name not in kind.FIELDS:
            continue
        given: list[object] = [b"x" * (field.length + 1)]
        if not field.length:
            low, high = ends(field)
            given = [low - 1, high + 1, 1.5]
            assert kind(**{field.name: high}).encode() != kind(**{field.name: low}).encode()
        for value in given:
            with pytest.raises(MessageError, match=rf"{kind.__name__}\.{field.name}"):
                kind(**{field.name: value}).encode()


def test_short_bytes_are_padded() -> None:
    instrument = SnapshotInstrument(symbol=b"ABC")
    assert instrument.symbol == b"ABC" + bytes(13)
    assert decode(instrument.encode()) == instrument


def test_a_message_does_not_change() -> None:
    order = NewOrder(price=1)
    with pytest.raises(AttributeError):
        order.price = 2  # type: ignore[misc]
    with pytest.raises((AttributeError, TypeError)):
        order.other = 2  # type: ignore[attr-defined]
    assert order._replace(price=2) == NewOrder(price=2)
    assert order == NewOrder(price=1)


def test_what_is_unknown_is_refused() -> None:
    with pytest.raises(TypeError, match="NewOrder takes no colour, size: it has side, time_in_force"):
        NewOrder(colour=1, size=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="type"):
        NewOrder(type=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        NewOrder(1)  # type: ignore[call-arg]


@given(any_message)
def test_copies(message: Message) -> None:
    for other in (pickle.loads(pickle.dumps(message)), copy.deepcopy(message), type(message)(**message._asdict())):
        assert other == message
        assert type(other) is type(message)
        assert hash(other) == hash(message)


def test_two_of_different_types_differ() -> None:
    one: Message = CancelOrder(instrument=1, order_id=2)
    assert one != messages.MassCancel(instrument=1, order_id=2)


def test_shown() -> None:
    assert repr(RetransmitRequest(count=3, seq_num=4)) == "RetransmitRequest(count=3, seq_num=4, epoch=0)"
    assert repr(CancelOrder()._replace(zero2=1)) == "CancelOrder(instrument=0, order_id=0, zero2=1)"
    assert NewOrder.__doc__ == "Client to exchange: enter an order. 40 bytes."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"kind": 1, "side": 2, "maker_id": 0x1F}, "ACCEPTED ask 5@101, order 7, public 31"),
        ({"kind": 4, "side": 1, "maker_id": 1, "reason": 36}, "REPLACED bid 5@101, order 7, public 1, KEPT_PLACE"),
        ({"kind": 2, "side": 1, "maker_id": 0xAB}, "TRADE bid 5@101, order 7, counterparty 171"),
        ({"kind": 3, "side": 1, "price": -3}, "CANCELLED bid 5@-3, order 7"),
        ({"kind": 7, "reason": 9}, "REJECTED no side 5@101, order 7, UNKNOWN_ORDER"),
        ({"kind": 8}, "MASS_CANCELLED 5 orders, request 7"),
        ({"kind": 9, "quantity": 1}, "PHASE_CHANGED to HALTED"),
        ({"kind": 9}, "PHASE_CHANGED to VOLATILITY_AUCTION"),
        ({"kind": 9, "quantity": 77}, "PHASE_CHANGED to 77"),
        ({"kind": 1, "side": 2, "maker_id": 3, "reason": 44}, "ACCEPTED ask 5@101, order 7, public 3, WAITS"),
        ({"kind": 12, "side": 2, "maker_id": 3}, "TRIGGERED ask 5@101, order 7, hidden 3"),
        ({"kind": 6, "side": 2, "maker_id": 3, "reason": 52}, "EXPIRED ask 5@101, order 7, hidden 3, DAY_ENDED"),
        ({"kind": 13, "side": 1}, "REFRESHED bid 5@101, order 7"),
        ({"kind": 19, "side": 1}, "HIDDEN bid 5@101, order 7"),
        ({"kind": 14, "side": 1, "maker_id": 40}, "INDICATIVE 5@101, surplus bid 40"),
        ({"kind": 15}, "UNCROSSED 5@101"),
        ({"kind": 15, "reason": 50}, "UNCROSSED no price"),
        ({"kind": 16, "side": 1, "maker_id": 4}, "AUCTION_TRADE bid 5@101, order 7, counterparty 4"),
        ({"kind": 17}, "EXPIRY_DONE 5 orders, request 7"),
        ({"kind": 18, "quantity": 3}, "PRICE_SET LOW to 101"),
        ({"kind": 18, "quantity": 9}, "PRICE_SET 9 to 101"),
        ({"kind": 10, "side": 1, "maker_id": 4}, "OPEN_ORDER bid 5@101, order 7, public 4"),
        (
            {"kind": 10, "side": 1, "maker_id": 2**64 - 4, "reason": 44},
            "OPEN_ORDER bid 5@101, order 7, trigger price -4, WAITS",
        ),
        ({"kind": 99, "side": 3, "reason": 200}, "kind 99 no side 5@101, order 7, reason 200"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_report_reads_well(fields: dict[str, int], text: str) -> None:
    report = ExecutionReport(**{"instrument": 1, "seq_num": 12, "order_id": 7, "price": 101, "quantity": 5, **fields})
    assert report.text() == text
    assert repr(report) == f"ExecutionReport({text}, instrument 1, seq_num 12)"


def test_the_fields_of_a_report_are_members() -> None:
    report = ExecutionReport.decode(
        ExecutionReport(kind=2, side=1, reason=39, order_id=5, maker_id=6, price=-7, quantity=8).encode()
    )
    assert (report.kind, report.side, report.reason) == (ReportKind.TRADE, Side.BID, Reason.AS_MAKER)
    assert (type(report.kind), type(report.side), type(report.reason)) == (ReportKind, Side, Reason)
    assert (report.public_id, report.counterparty_id) == (None, 6)
    accepted = report._replace(kind=ReportKind.ACCEPTED, reason=0)
    assert (accepted.public_id, accepted.counterparty_id, accepted.reason) == (6, None, Reason.NONE)
    unknown = report._replace(kind=77, side=0, reason=77)
    assert (unknown.kind, unknown.side, unknown.reason, unknown.public_id) == (77, 0, 77, None)
    assert pickle.loads(pickle.dumps(report)) == copy.deepcopy(report) == report
