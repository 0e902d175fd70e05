"""The phases of an instrument: what it accepts in each, and whether orders match.

The core and the reference book read this table when a book is made. A new phase is a row here and a number in
``Phase``.
"""

from __future__ import annotations

from typing import NamedTuple

from .types import CommandType, Instruction, Phase, Reason

NEW, REPLACE = CommandType.NEW_ORDER, CommandType.REPLACE_ORDER
CANCEL, REDUCE = CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER


class PhaseRule(NamedTuple):
    """One row. Commands that are not about one order, such as mass cancels, are accepted in every phase."""

    accepts: frozenset[CommandType]  #: commands about one order; REPLACE_ORDER stands for REPLACE_ORDER_AS too
    matches: bool  #: whether an order trades with those it crosses
    reason: Reason  #: of the commands that it rejects
    collects: bool = False  #: whether orders rest without matching, market orders too, until an uncross
    auction: Instruction | None = None  #: orders with this instruction join when the phase begins


_ALL = frozenset({NEW, REPLACE, CANCEL, REDUCE})
_LESS = frozenset({CANCEL, REDUCE})

PHASES: dict[int, PhaseRule] = {
    Phase.CONTINUOUS: PhaseRule(_ALL, True, Reason.NONE),
    Phase.HALTED: PhaseRule(_LESS, False, Reason.INSTRUMENT_HALTED),
    Phase.CLOSED: PhaseRule(_LESS, False, Reason.NOT_IN_PHASE),
    Phase.PRE_OPEN: PhaseRule(_ALL, False, Reason.NONE, True),
    Phase.OPENING_AUCTION: PhaseRule(_ALL, False, Reason.NONE, True, Instruction.AT_THE_OPEN),
    Phase.VOLATILITY_AUCTION: PhaseRule(_ALL, False, Reason.NONE, True),
    Phase.CLOSING_AUCTION: PhaseRule(_ALL, False, Reason.NONE, True, Instruction.AT_THE_CLOSE),
}
