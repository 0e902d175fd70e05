"""The page of venues equals the output of its generator, which leaves nothing out."""

import re

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from pricetime.phases import PHASES
from pricetime.profiles import PROFILES
from pricetime.reference.terms import FIELDS, KINDS
from pricetime.types import CommandType, Phase
from tools.venues_page import COMMANDS, PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make venues"


def test_every_profile_with_its_source_and_every_setting_that_it_names() -> None:
    text = page()
    for name, row in PROFILES.items():
        assert f"| `{name}` | {row.source} |" in text
        for setting in row.settings:
            assert re.search(rf"^\| `{setting}`", text, re.MULTILINE)


def test_every_phase_and_every_rule() -> None:
    text = page()
    for number in PHASES:
        assert f"| `{Phase(number).name}` | {number} |" in text
    for rule in (*KINDS, *FIELDS):
        assert f"| {rule.rule} | `{rule.error.__name__}` |" in text


def test_every_command_is_either_about_one_order_or_in_the_table() -> None:
    about_one_order = {command for rule in PHASES.values() for command in rule.accepts}
    listed = {CommandType[name] for names, _ in COMMANDS for name in names}
    rest = set(CommandType) - about_one_order - listed
    assert rest == {CommandType.REPLACE_ORDER_AS, CommandType.GATEWAY_REJECT, CommandType.ORDER_EXTENSION}
