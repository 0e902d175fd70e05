"""The page on errors names every exception and every reason, with its number and its base."""

import re
from pathlib import Path

import pytest

from pricetime import errors
from pricetime.reference.terms import FIELDS as FIELD_RULES
from pricetime.reference.terms import KINDS as KIND_RULES
from pricetime.types import Reason

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
EXCEPTIONS, REASONS = PAGE.split("\n## Reasons\n")


def rows(text: str, column: int) -> dict[str, list[str]]:
    """The cells of each row of the tables, by the name in backquotes that stands in a column."""
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    return {row[column].strip("`"): row for row in found if row[column].startswith("`")}


BY_EXCEPTION, BY_REASON = rows(EXCEPTIONS, 0), rows(REASONS, 1)
KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.PricetimeError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_exception(kind: type[errors.PricetimeError]) -> None:
    builtin = [base.__name__ for base in kind.__bases__ if base.__module__ == "builtins" and base is not Exception]
    _, also, when, remedy = BY_EXCEPTION[kind.__name__]
    assert also == (f"`{builtin[0]}`" if builtin else "")
    assert when
    assert remedy


def test_the_warning() -> None:
    assert f"`{errors.PureForm.__name__}` is a warning" in EXCEPTIONS


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_reason(reason: Reason) -> None:
    value, _, of, meaning, raised = BY_REASON[reason.name]
    assert int(value) == reason
    assert meaning
    assert (of == "rejected") == (0 < reason < 32 or reason >= 64)
    error = errors.ERROR_OF_REASON.get(reason)
    assert raised == (f"`{error.__name__}`" if error else "")


def test_every_rule_of_orders_is_on_the_page() -> None:
    """The rules of the reference book, in their order, each with its exception and reason."""
    part = EXCEPTIONS.split("\n## What does not fit together\n")[1]
    expected = [
        f"| {rule.rule.replace('**', '^')} | `{rule.error.__name__}` | `{Reason(rule.reason).name}` |"
        for rule in (*KIND_RULES, *FIELD_RULES)
    ]
    table = part[part.index("| an order must keep") :].split("\n\n")[0].splitlines()
    assert table[2:] == expected


def test_nothing_else_is_on_the_page() -> None:
    assert set(BY_REASON) == {reason.name for reason in Reason}
    assert set(BY_EXCEPTION) == {kind.__name__ for kind in KINDS}
