"""The page on monitoring lists every metric and every alert, and its examples are valid."""

import re
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from pricetime.exchange.control import meters
from pricetime.exchange.settings.sources import load
from tests.deploy.queries import metrics_of
from tools.metrics_page import PAGE, page

TEXT = PAGE.read_text(encoding="utf-8")
ALERTS = PAGE.parents[2] / "deploy" / "prometheus" / "alerts.yml"


def test_the_page_is_up_to_date() -> None:
    assert page() == TEXT, "run make dashboard"


def test_every_alert_is_explained() -> None:
    alerts = re.findall(r"alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert sorted(re.findall(r"^\| `(\w+)` \| [^|]+ \|[^|]*\|$", TEXT, re.MULTILINE)) == sorted(alerts)


def test_those_that_wake_somebody_come_first() -> None:
    rules = dict(re.findall(r"alert: (\w+).*?severity: (\w+)", ALERTS.read_text(encoding="utf-8"), re.DOTALL))
    named = [name for name in re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) if name in rules]
    assert [rules[name] for name in named] == ["page"] * 8 + ["warn"] * 11


def test_the_settings_that_are_shown(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (tmp_path / "shown.toml").write_text(shown, encoding="utf-8")
    assert load(tmp_path / "shown.toml").metrics_port == 7009


def test_the_queries_that_are_shown_are_about_metrics_that_there_are() -> None:
    known = {meter.name for section in meters.SECTIONS for meter in section.meters()} | set(meters.OF_THE_PROCESS)
    (shown,) = re.findall(r"^Queries to begin with:\n\n```\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    for line in shown.splitlines():
        assert metrics_of(line) <= known
