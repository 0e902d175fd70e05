"""Writes docs/reference/venues.md from profiles, phases and the tables of illegal combinations: ``make venues``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from pricetime.auctions import AUCTION_RULES
from pricetime.cli.serve import part_shown, shown
from pricetime.exchange.settings.fields import written
from pricetime.phases import PHASES
from pricetime.profiles import PROFILES, Venue
from pricetime.reference.terms import FIELDS, KINDS, Rule
from pricetime.types import CommandType, Instruction, OrderType, Phase, Reason, ReplacePolicy, SelfTrade, TimeInForce

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "venues.md"

HEAD = """\
# Venues

What differs from venue to venue is a setting of an instrument. A profile is the set of settings of a real venue:

```python
>>> from pricetime import Instrument
>>> Instrument(1, "ESH4", profile="cme", venue={"iceberg_ratio": 20}).self_trade
<SelfTrade.CANCEL_OLDEST: 3>
```

In the settings of a server: `profile = "cme"`, and any [setting of an instrument](settings.md#instruments) beside it.
Settings that are given win over the profile, and the profile wins over the defaults. The exact rules are in
[rules of venues](../internals/rules.md).

`make venues` writes this page from [`profiles.py`](../../src/pricetime/profiles.py),
[`phases.py`](../../src/pricetime/phases.py), [`auctions.py`](../../src/pricetime/auctions.py) and
[`reference/terms.py`](../../src/pricetime/reference/terms.py).
"""

PROFILES_HEAD = """
## Profiles

An empty cell means the default. Ranges and limits depend on the instrument, so no profile has them: set `static_range`,
`dynamic_range`, `low_price`, `high_price` and `reference_price` for each instrument.
"""

SOURCES_HEAD = """
Where the settings of each profile are documented:
"""

AUCTIONS_HEAD = """
## Auctions

All auctions take the price at which most lots trade; of these the one with the least surplus; then the highest if the
surplus is on the bid side, the lowest if it is on the ask side; then the one nearest to the reference price, and the
higher of two. Market orders trade first, then better prices, then earlier orders. The setting `auction` says what
differs:
"""

PHASES_HEAD = """
## Phases

| | meaning |
|---|---|
| matches | an order trades with the orders that it crosses |
| collects | orders rest without trading, market orders too, until `UNCROSS`; indicative prices are published |
| joins | orders with this instruction wait for the phase, and take part from its beginning on |

A rejected command has the reason in the last column. The reasons are in [errors](errors.md#reasons).
"""

COMMANDS_HEAD = """
Commands that are not about one order:
"""

COMBINATIONS_HEAD = """
## Illegal combinations

An order that breaks a rule is rejected: a Python call raises the exception, a command has a `REJECTED` report with the
reason. The first rule in this order that an order breaks counts.
"""

AFTER_COMBINATIONS = """
A venue that does not accept an order type, a time in force or all-or-none orders rejects them with `NotSupported`
(`NOT_SUPPORTED`), after the rules of the first table. An iceberg of more than `iceberg_ratio` times its display
quantity is rejected with `InvalidDisplayQuantity` (`INVALID_DISPLAY_QUANTITY`), after those of the second.
"""

#: Commands that are not about one order, and when they are accepted.
COMMANDS = (
    (("SET_PHASE",), "in every phase; `MUST_UNCROSS` into a phase that matches while orders are collected"),
    (("UNCROSS", "INDICATE"), "in phases that collect; otherwise `NOT_IN_PHASE`"),
    (("EXPIRE", "SET_PRICE", "MASS_CANCEL", "CONTINUE", "OPEN_ORDERS"), "in every phase"),
)  # fmt: skip

#: Columns of the table of phases.
ABOUT_ONE_ORDER = (
    (CommandType.NEW_ORDER, "new"), (CommandType.REPLACE_ORDER, "replace"), (CommandType.REDUCE_ORDER, "reduce"),
    (CommandType.CANCEL_ORDER, "cancel"),
)  # fmt: skip

#: Settings whose values are sets: all members, in their order.
MEMBERS: dict[str, type[OrderType] | type[TimeInForce]] = {"order_types": OrderType, "times_in_force": TimeInForce}

#: Defaults of the settings of a profile that are not fields of ``Venue``.
DEFAULTS = {"self_trade": SelfTrade.OFF, "replace_policy": ReplacePolicy.KEEP_IF_NOT_LARGER}


def page() -> str:
    """The whole page."""
    return "".join([
        HEAD, PROFILES_HEAD, profiles(), SOURCES_HEAD, sources(), AUCTIONS_HEAD, auctions(), PHASES_HEAD, phases(),
        COMMANDS_HEAD, commands(), COMBINATIONS_HEAD, combinations("Checked before quantity and price:", KINDS),
        combinations("Checked after them:", FIELDS), AFTER_COMBINATIONS,
    ])  # fmt: skip


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def profiles() -> str:
    """One row for each setting, one column for each profile."""
    defaults: dict[str, Any] = {field.name: field.default for field in fields(Venue)} | DEFAULTS
    named = [name for name in defaults if any(name in row.settings for row in PROFILES.values())]
    rows = []
    for name in named:
        if name in MEMBERS:
            rows += [of_member(name, member) for member in MEMBERS[name]]
        else:
            cells = [value(row.settings[name]) if name in row.settings else "" for row in PROFILES.values()]
            rows.append([f"`{name}`", value(defaults[name]), *cells])
    return table(["setting", "default", *(f"`{name}`" for name in PROFILES)], rows)


def of_member(name: str, member: OrderType | TimeInForce) -> list[str]:
    """Whether each profile accepts an order type or a time in force."""
    cells = [mark(member in row.settings.get(name, MEMBERS[name])) for row in PROFILES.values()]
    return [f"`{name}`: {written(member)}", "yes", *cells]


def mark(holds: object) -> str:
    return "yes" if holds else "no"


def value(found: object) -> str:
    return f"`{part_shown(found)}`" if not isinstance(found, bool) else shown(found)


def sources() -> str:
    return table(["profile", "source"], [[f"`{name}`", row.source] for name, row in PROFILES.items()])


def auctions() -> str:
    rows = []
    for name, rule in AUCTION_RULES.items():
        differs = [
            text
            for text, holds in (
                ("candidates are all ticks between the lowest and the highest limit", rule.every_tick),
                ("the reference price is a candidate", rule.with_reference),
                (f"the highest or lowest price goes at most {rule.percent} % from the reference price", rule.percent),
                ("stop orders that the price triggers take part", rule.stops_inside),
            )
            if holds
        ]
        rows.append([f"`{name}`", "; ".join(differs) or "candidates are the limits"])
    return table(["auction", "what differs"], rows)


def phases() -> str:
    heads = ["phase", "number", *(title for _, title in ABOUT_ONE_ORDER), "matches", "collects", "joins", "reason"]
    rows = []
    for number, rule in PHASES.items():
        accepts = [mark(command in rule.accepts) for command, _ in ABOUT_ONE_ORDER]
        joins = "" if rule.auction is None else f"`{Instruction(rule.auction).name}`"
        reason = f"`{rule.reason.name}`" if rule.reason else ""
        states = [mark(rule.matches), mark(rule.collects), joins, reason]
        rows.append([f"`{Phase(number).name}`", str(int(number)), *accepts, *states])
    return table(heads, rows)


def commands() -> str:
    rows = [[", ".join(f"`{CommandType[name].name}`" for name in names), when] for names, when in COMMANDS]
    return table(["command", "accepted"], rows)


def combinations(title: str, rules: Iterable[Rule]) -> str:
    rows = [
        [rule.rule, f"`{rule.error.__name__}`", f"`{Reason(rule.reason).name}`", str(rule.reason)] for rule in rules
    ]
    return f"\n{title}\n{table(['rule', 'exception', 'reason', 'number'], rows)}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
