"""One order explained from a journal: what a replay command by command says about it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pricetime import CommandType, Engine, Reason, Side
from pricetime.errors import InvalidOrderId, UnknownOrder
from pricetime.explanation import Explanation
from pricetime.log.order_replay import OrderReplay, Wanted
from pricetime.standing import OrderState, Place
from pricetime.types import COMMAND, ReportKind
from tests.log.memory import directory_of
from tests.log.reference import CONFIGURATION, Records, Reference, journal, snapshot_after
from tests.log.written import Segment

LENGTHS = [150, 140]
TOTAL = sum(LENGTHS)


@pytest.fixture(scope="module")
def written() -> Reference:
    return journal(LENGTHS, segment_bytes=16 * 4096)


def explain(files: dict[str, bytes], wanted: Wanted, at: int | None = None) -> Explanation:
    return OrderReplay(directory_of(files), wanted, at=at).run()


def engines(commands: Records) -> Iterator[tuple[int, Engine, Records]]:
    """The books after each command, with its reports."""
    engine = CONFIGURATION.make_engine()
    for sequence, _ in enumerate(commands, 1):
        reports = engine.apply(commands[sequence - 1 : sequence])
        yield sequence, engine, reports


def journal_of(commands: Records) -> dict[str, bytes]:
    segment = Segment(CONFIGURATION)
    segment.commands(commands)
    return {"00000001.journal": segment.data()}


def made(*rows: dict[str, int]) -> Records:
    """Commands on instrument 1: new orders of one lot at 100 unless the row says otherwise."""
    commands = np.zeros(len(rows), COMMAND)
    for number, (command, row) in enumerate(zip(commands, rows, strict=True), 1):
        fields = {"type": CommandType.NEW_ORDER, "side": Side.BID, "price": 100, "quantity": 1, "instrument": 1} | row
        for name, value in ({"sequence": number, "timestamp": 1000 * number} | fields).items():
            command[name] = value
    return commands


def book_id(owner: int, number: int) -> int:
    return owner << 48 | number


def test_every_order_at_every_tenth_command(written: Reference) -> None:
    new = written.commands[written.commands["type"] == CommandType.NEW_ORDER]
    chosen = new[:: len(new) // 12]
    ends = {sequence: {} for sequence in range(10, TOTAL + 1, 40)}  # type: ignore[var-annotated]
    for sequence, engine, _ in engines(written.commands):
        if sequence in ends:
            for command in chosen:
                book = engine.book(int(command["instrument"]))
                number = int(command["order_id"])
                if number in book:
                    ends[sequence][number] = (book.order(number).quantity, book.queue_position(number))
    states = Counter()  # type: ignore[var-annotated]
    for sequence, resting in ends.items():
        for command in chosen[chosen["sequence"] <= sequence]:
            number, instrument = int(command["order_id"]), int(command["instrument"])
            found = explain(written.files, Wanted(number), sequence)
            states[found.state] += 1
            assert (found.order_id, found.instrument, found.sequence) == (number, instrument, sequence)
            assert (found.state is OrderState.RESTING) == (number in resting)
            if number in resting:
                assert found.place_now is not None
                assert (found.remaining, (found.place_now.orders, found.place_now.quantity)) == resting[number]
            if found.state is not OrderState.REJECTED:
                assert found.accepted is not None
                assert found.accepted.sequence == command["sequence"]
                assert found.accepted.time_ns == command["timestamp"]
    assert {OrderState.RESTING, OrderState.FILLED, OrderState.CANCELLED} <= set(states)


def test_trades_and_their_commands(written: Reference) -> None:
    trades: dict[int, list[tuple[int, int, int]]] = {}
    for sequence, _, reports in engines(written.commands):
        for report in reports[reports["kind"] == ReportKind.TRADE]:
            for number in (int(report["order_id"]), int(report["maker_id"])):
                trades.setdefault(number, []).append((sequence, int(report["price"]), int(report["quantity"])))
    assert len(trades) > 50
    for number, wanted in list(trades.items())[::5]:
        found = explain(written.files, Wanted(number))
        assert [(trade.sequence, trade.price, trade.quantity) for trade in found.trades] == wanted
        assert found.filled == sum(quantity for _, _, quantity in wanted)
        assert found.trades[0].time_ns == written.commands["timestamp"][found.trades[0].sequence - 1]


def test_the_place_then_is_that_after_its_command(written: Reference) -> None:
    checked = 0
    for sequence, engine, _ in engines(written.commands):
        command = written.commands[sequence - 1]
        number, book = int(command["order_id"]), engine.book(max(1, int(command["instrument"])))
        if command["type"] == CommandType.NEW_ORDER and number in book and sequence % 7 == 0:
            found = explain(written.files, Wanted(number))
            assert found.place_then is not None
            assert found.place_then[:2] == book.queue_position(number)
            checked += 1
    assert checked > 5


def test_by_public_reference(written: Reference) -> None:
    """References count the accepted orders, over all instruments."""
    accepted = []
    for sequence, _, reports in engines(written.commands):
        kinds = reports["kind"] == ReportKind.ACCEPTED
        accepted += [(sequence, int(number)) for number in reports["order_id"][kinds]]
    assert len(accepted) > 100
    for reference, (sequence, number) in [*enumerate(accepted, 1)][::17]:
        found = explain(written.files, Wanted(reference=reference))
        assert (found.order_id, found.reference) == (number, reference)
        assert found.accepted is not None
        assert found.accepted.sequence == sequence
        assert found == explain(written.files, Wanted(number))
    with pytest.raises(UnknownOrder, match=f"no order reference {len(accepted) + 1} up to command {TOTAL}"):
        explain(written.files, Wanted(reference=len(accepted) + 1))
    with pytest.raises(UnknownOrder, match="no order reference 9 up to command 3"):
        explain(written.files, Wanted(reference=9), at=3)


def test_an_order_that_rests_in_the_first_snapshot(written: Reference) -> None:
    engine = CONFIGURATION.make_engine()
    engine.apply(written.commands[:160])
    row = engine.dump().resting[3]
    files = written.files | dict([snapshot_after(written, 160)])
    del files["00000001.journal"]
    for wanted in (Wanted(int(row["order_id"])), Wanted(reference=int(row["reference"]))):
        found = explain(files, wanted, at=165)
        whole = explain(written.files, wanted, at=165)
        assert found.accepted is None
        assert found.place_then is None
        assert whole.accepted is not None
        assert (found.state, found.remaining, found.place_now) == (whole.state, whole.remaining, whole.place_now)
        assert found.why == whole.why


def test_the_newest_order_of_an_id_before_the_moment() -> None:
    files = journal_of(made(
        {"order_id": 7, "price": 99},
        {"order_id": 7, "type": CommandType.CANCEL_ORDER},
        {"order_id": 7, "side": Side.ASK, "price": 105},
        {"order_id": 7, "price": 98},
        {"order_id": 7, "type": CommandType.CANCEL_ORDER},
        {"order_id": 7, "quantity": 0},
    ))  # fmt: skip
    assert explain(files, Wanted(7), at=1).terms.price == 99
    assert explain(files, Wanted(7), at=2).why == "its owner cancelled it"
    second = explain(files, Wanted(7), at=4)
    assert (second.terms.side, second.terms.price, second.state) == (Side.ASK, 105, OrderState.RESTING)
    assert second.events[-1].reason is Reason.DUPLICATE_ORDER_ID
    assert explain(files, Wanted(7), at=5).reference == 2
    last = explain(files, Wanted(7))
    assert (last.state, last.reference, last.accepted) == (OrderState.REJECTED, 0, None)
    assert last.why == "rejected with INVALID_QUANTITY: the quantity is not a whole number of lots from 1 to 2**63 - 1"
    first = explain(files, Wanted(reference=1))
    assert (first.terms.price, first.state) == (99, OrderState.CANCELLED)
    assert [event.kind for event in first.events] == [ReportKind.ACCEPTED, ReportKind.CANCELLED]


def test_instruments_with_the_same_id() -> None:
    files = journal_of(made({"order_id": 7}, {"order_id": 7, "instrument": 2, "price": 55}))
    with pytest.raises(UnknownOrder, match="instruments 1, 2 have an order 7 up to command 2: name the instrument"):
        explain(files, Wanted(7))
    assert explain(files, Wanted(7, instrument=2)).terms.price == 55
    assert explain(files, Wanted(7), at=1).terms.price == 100
    assert explain(files, Wanted(reference=2)).terms.price == 55
    with pytest.raises(UnknownOrder, match="no order 7 up to command 1"):
        explain(files, Wanted(7, instrument=2), at=1)


def test_what_traded_ahead_and_why_it_does_not_trade() -> None:
    ask = {"side": Side.ASK}
    files = journal_of(made(
        {"order_id": 1, "quantity": 5},
        {"order_id": 2, "quantity": 7, "owner": 3},
        {"order_id": 3, "price": 101},
        {"order_id": 4, "quantity": 3, **ask},
        {"order_id": 5, "price": 104, **ask},
    ))  # fmt: skip
    found = explain(files, Wanted(2))
    assert found.place_then == Place(1, 5, 0)
    assert found.place_now == Place(1, 3, 0)
    assert found.ahead == ((101, 1, 1), (100, 1, 2))
    assert (found.distance, found.why) == (4, "the best ask is 104, 4 ticks away from its price")
    assert explain(files, Wanted(2), at=3).why == "no ask rests that it could trade with"
    assert explain(files, Wanted(2), at=3).place_now == Place(1, 5, 1)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"time_in_force": 3}, "the rest of it could not trade at once: when it arrived, the best ask was 104, 4"),
        ({"time_in_force": 4}, "it could not trade whole at once: when it arrived, the best ask was 104, 4 ticks away"),
        ({"time_in_force": 4, "price": 104, "quantity": 9}, "it could not trade whole at once: too few lots rested"),
        ({"side": 2, "order_type": 1, "time_in_force": 3}, "no more orders were there to trade with: no bid rested"),
        ({"price": 104}, "it traded whole, the last 1 lot at 104"),
        ({"instructions": 1, "price": 104}, "rejected with WOULD_CROSS: a post-only order"),
        ({"instrument": 1, "side": 5}, "rejected with INVALID_SIDE: the side is neither"),
        ({"type": CommandType.GATEWAY_REJECT, "flags": Reason.THROTTLED}, "rejected with THROTTLED: its owner sent"),
    ],
)  # fmt: skip
def test_why_it_ended(fields: dict[str, int], why: str) -> None:
    files = journal_of(made({"order_id": 1, "side": Side.ASK, "price": 104}, {"order_id": 2} | fields))
    assert explain(files, Wanted(2)).why.startswith(why)


def test_reduced_to_nothing_and_replaced() -> None:
    files = journal_of(made(
        {"order_id": 1, "quantity": 5},
        {"order_id": 1, "quantity": 9, "price": 98, "type": CommandType.REPLACE_ORDER},
        {"order_id": 1, "quantity": 4, "type": CommandType.REDUCE_ORDER},
        {"order_id": 1, "owner": 77, "quantity": 3, "price": 97, "type": CommandType.REPLACE_ORDER_AS},
        {"order_id": 77, "quantity": 3, "type": CommandType.REDUCE_ORDER},
    ))  # fmt: skip
    found = explain(files, Wanted(1), at=2)
    assert (found.terms.quantity, found.terms.price, found.remaining) == (9, 98, 9)
    assert explain(files, Wanted(1), at=3).remaining == 5
    assert (explain(files, Wanted(1), at=4).order_id, explain(files, Wanted(1), at=4).remaining) == (77, 3)
    last = explain(files, Wanted(reference=1))
    assert (last.order_id, last.state, last.why) == (77, OrderState.CANCELLED, "its owner took the last lots off it")
    kinds = [ReportKind.ACCEPTED, ReportKind.REPLACED, ReportKind.REDUCED, ReportKind.REPLACED, ReportKind.REDUCED]
    assert [event.kind for event in last.events] == kinds


def test_a_journal_in_segments_of_different_configurations(written: Reference) -> None:
    first = Segment(CONFIGURATION, segment_bytes=16 * 4096)
    first.commands(written.commands[:100])
    second = Segment(replace(CONFIGURATION, capacity=512), behind=first, segment_bytes=32 * 4096)
    second.commands(written.commands[100:])
    files = {"00000001.journal": first.data(), "00000002.journal": second.data()}
    for reference in (3, 50, 120):
        wanted = Wanted(reference=reference)
        assert explain(files, wanted) == explain(written.files, wanted)


def test_progress_and_checkpoints(written: Reference) -> None:
    done: list[int] = []
    replay = OrderReplay(directory_of(written.files), Wanted(reference=1))
    replay.run(progress=done.append)
    assert sum(done) == TOTAL


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("3:7", Wanted(3 << 48 | 7)), ("42", Wanted(reference=42)), ("65535:0", Wanted(65535 << 48))],
)
def test_what_names_an_order(text: str, wanted: Wanted) -> None:
    assert Wanted.parse(text) == wanted
    assert Wanted.parse(text, 2) == wanted._replace(instrument=2)


@pytest.mark.parametrize("text", ["", "x", "3:", ":7", "0:7", "65536:1", "1:281474976710656", "3:7:1", "-4", "1.5"])
def test_what_names_no_order(text: str) -> None:
    with pytest.raises(InvalidOrderId, match="is not an order: give OWNER:ID, such as 3:7, or a public reference"):
        Wanted.parse(text)


def test_an_order_in_words() -> None:
    assert [Wanted.parse(text).text for text in ("3:7", "42")] == ["7 of owner 3", "reference 42"]
    assert Wanted(9).text == "9"
