"""The text and the JSON of explanations."""

import json
from decimal import Decimal

import pytest

from pricetime.errors import ERROR_OF_REASON
from pricetime.explanation import ENDS, Ahead, Entry, Event, Explanation, why_ended, why_rejected
from pricetime.standing import OrderState, Place, Terms
from pricetime.types import Instruction, OrderType, Phase, Reason, ReportKind, Side, TimeInForce

TERMS = Terms(Side.BID, OrderType.LIMIT, TimeInForce.DAY, Instruction.POST_ONLY, 400, 9)
ACCEPTED = Event(12, 1_700_000_000_000_123_000, ReportKind.ACCEPTED, Reason.NONE, 400, 9)
WHOLE = Explanation(
    3 << 48 | 7, 1, 3, 42, 1500, OrderState.RESTING, "the best ask is 101.00, 4 ticks away from its price", TERMS,
    6, 2, 1,
    ACCEPTED, Entry(Phase.CONTINUOUS, 404), Place(2, 15, 0), Place(0, 0, 3), 4, (Ahead(401, 2, 5),),
    (
        ACCEPTED,
        Event(20, 1_700_000_001_000_000_000, ReportKind.TRADE, Reason.NONE, 400, 2),
        Event(21, 0, ReportKind.REDUCED, Reason.NONE, 400, 1),
        Event(22, 0, ReportKind.REJECTED, Reason.WOULD_CROSS, 405, 9),
    ),
    Decimal("0.25"),
)  # fmt: skip

#: Reasons of reports that do not change an order, or belong to no order.
ENDS_NOTHING = {
    Reason.KEPT_PLACE, Reason.AS_MAKER, Reason.UNFINISHED, Reason.NEVER_RESTS, Reason.MORE_FOLLOW, Reason.WAITS,
    Reason.AT_MARKET, Reason.PRICED, Reason.NO_AUCTION_PRICE,
}  # fmt: skip


def test_the_text() -> None:
    assert str(WHOLE).splitlines() == [
        "order 7 of owner 3 on instrument 1, reference 42",
        "  terms     bid 9 at 100.00, limit, DAY, post only",
        "  accepted  command 12 at 2023-11-14 22:13:20.000123",
        "  then      2 orders with 15 lots ahead of it",
        "  trade     command 20 at 2023-11-14 22:13:21.000000: 2 at 100.00",
        "  reduced   command 21: 1",
        "  rejected  command 22: a command about it (would cross)",
        "  ahead     5 lots at 100.25 in 2 trades",
        "  now       resting with 6 lots, 1 of them hidden, 2 lots traded after command 1,500",
        "  place     it is the first in its queue, and 3 lots at better prices",
        "  why       the best ask is 101.00, 4 ticks away from its price",
    ]
    assert WHOLE.trades == (WHOLE.events[1],)


def test_json() -> None:
    found = json.loads(json.dumps(WHOLE.to_dict()))
    assert set(found) == set(Explanation.__slots__)
    assert (found["state"], found["price_unit"], found["terms"]["instructions"]) == ("RESTING", "0.25", ["POST_ONLY"])
    assert found["entry"] == {"phase": "CONTINUOUS", "opposite": 404}
    assert found["ahead"] == [{"price": 401, "trades": 2, "quantity": 5}]
    assert found["events"][1]["kind"] == "TRADE"
    assert found["place_then"] == {"orders": 2, "quantity": 15, "better": 0}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in ENDS_NOTHING])
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    if reason in ERROR_OF_REASON:
        text = why_rejected(reason)
        assert text.startswith(f"rejected with {reason.name}: ")
        assert not text.endswith(".")
    else:
        assert reason in ENDS


@pytest.mark.parametrize(
    ("reason", "opposite", "why"),
    [
        (Reason.BY_OPERATOR, 404, "the operator of the exchange cancelled it"),
        (Reason.IOC_REMAINDER, None, "the rest of it could not trade at once: no ask rested when it arrived"),
        (Reason.IOC_REMAINDER, 402, "when it arrived, the best ask was 402, 2 ticks away"),
        (Reason.FOK_UNFILLABLE, 400, "it could not trade whole at once: too few lots rested that it could trade with"),
    ],
)
def test_how_it_ended(reason: Reason, opposite: int | None, why: str) -> None:
    last = Event(5, 0, ReportKind.CANCELLED, reason, 400, 9)
    entry = Entry(Phase.CONTINUOUS, opposite)
    assert why_ended(OrderState.CANCELLED, last, TERMS, entry, str).endswith(why)
    assert why_ended(OrderState.CANCELLED, last, TERMS, None, str) == ENDS[reason]
