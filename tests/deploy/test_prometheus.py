"""A real Prometheus scrapes a real exchange under load: every panel of the dashboard has something to show."""

import json
import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from pricetime.exchange.control import meters
from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess
from tests.deploy.prometheus import PATIENCE_S, Prometheus
from tests.deploy.queries import metrics_of, queries

pytestmark = pytest.mark.compiled

DEPLOY = Path(__file__).parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD: dict[str, Any] = json.loads(
    (DEPLOY / "grafana" / "dashboards" / "pricetime.json").read_text(encoding="utf-8")
)
#: Orders a second, and how many there are in all.
RATE, ORDERS = 5000, 15_000

#: What a query looks back over: as far as the whole test.
WINDOW_S = 60


class Scraped(NamedTuple):
    """An exchange after some load, and the Prometheus that watched it."""

    prometheus: Prometheus
    sent: int
    kinds: dict[str, set[str]]  #: the kinds of commands that something was recorded of, by interval


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder = tmp_path_factory.mktemp("prometheus")
    instruments = ("--instrument", "id=1,symbol=ABC", "--instrument", "id=2,symbol=XYZ")
    options = ("--open", "--no-prefault", "--order-capacity", "100000", "--stats-interval-ms", "0", *instruments)
    with ServerProcess(*options, "--journal", str(folder / "journal"), "--metrics-port", "0") as server:
        with Prometheus(folder, server.last("serving")["metrics_port"]) as prometheus:
            until(lambda: prometheus.get("query", query="up == 1")["result"])
            first, parts = make_plans("balanced", ORDERS, 2, chunk=RATE)
            with Load(server.host, server.port, 2) as load:
                load.send(first)
                for part in parts:
                    load.send(part, RATE)
                load.wait_answered()
                until(lambda: prometheus.value("pricetime_commands_total") == load.sent)
                yield Scraped(prometheus, load.sent, recorded(prometheus))
        assert server.stop()["drained"]


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.1)


def recorded(prometheus: Prometheus) -> dict[str, set[str]]:
    found = {}
    for interval in ("tick_to_trade", "match"):
        result = prometheus.get("query", query=f"pricetime_{interval}_seconds_count > 0")["result"]
        found[interval] = {series["metric"]["kind"] for series in result}
    return found


def test_every_panel_has_something_to_show(scraped: Scraped) -> None:
    of_nodes = {meter.name for meter in meters.Cluster.meters()}  # no node of a cluster runs here
    asked = [each for each in queries(DASHBOARD) if not metrics_of(each[1]) & of_nodes]
    nothing = {title: why for title, expression in asked if (why := why_nothing(scraped, expression))}
    assert nothing == {}


def why_nothing(scraped: Scraped, expression: str) -> str | None:
    """Why a panel would be empty; None when it is not."""
    for name, value in {
        "$__rate_interval": f"{WINDOW_S}s",
        "$instance": scraped.prometheus.target,
        "$instrument": ".*",
    }.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    found = scraped.prometheus.over_time(expression, WINDOW_S)
    if not found or not all(found):
        return "no series, or one without a value"
    interval = re.search(r"histogram_quantile.*pricetime_(\w+)_seconds_bucket", expression)
    if interval is not None and not scraped.kinds[interval[1]]:
        return None  # a quantile without samples is NaN
    return None if any(math.isfinite(value) for series in found for value in series) else "no number"


def test_the_choices_above_the_dashboard(scraped: Scraped) -> None:
    found = {}
    for variable in DASHBOARD["templating"]["list"]:
        if asked := re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]):
            found[variable["name"]] = scraped.prometheus.get(f"label/{asked[2]}/values", **{"match[]": asked[1]})
    assert found == {"instance": [scraped.prometheus.target], "instrument": ["1", "2"]}


def test_what_it_scraped_is_what_was_done(scraped: Scraped) -> None:
    value = scraped.prometheus.value
    assert value('sum(pricetime_reports_total{kind=~"accepted|rejected|reduced|replaced"})') > scraped.sent / 2
    assert value("sum(pricetime_tick_to_trade_seconds_count)") == scraped.sent
    assert value("pricetime_sessions") == 2
    assert value("pricetime_feed_sequence") > 0
    assert value('sum(pricetime_book_orders{instrument="1"})') > 0
    assert value("pricetime_log_sequence") == scraped.sent
    assert value("pricetime_feed_unsent_reports_total") == 0
    assert value('pricetime_scrapes_total{status="200"}') > 5


def test_a_heat_map_has_a_row_for_each_bucket(scraped: Scraped) -> None:
    rows = scraped.prometheus.get("query", query="sum by (le) (pricetime_tick_to_trade_seconds_bucket)")["result"]
    below = sorted((float(row["metric"]["le"]), float(row["value"][1])) for row in rows)
    assert len(below) == 44
    assert [count for _, count in below] == sorted(count for _, count in below)
    assert below[-1] == (math.inf, scraped.sent)


def test_quantiles_are_between_the_bounds_that_there_are(scraped: Scraped) -> None:
    p50, p99 = (
        scraped.prometheus.value(
            f"histogram_quantile({part}, sum by (le) (rate(pricetime_tick_to_trade_seconds_bucket[{WINDOW_S}s])))"
        )
        for part in (0.5, 0.99)
    )
    assert 1e-7 < p50 <= p99 < 10


def test_the_target_is_well_and_the_rules_are_evaluated(scraped: Scraped) -> None:
    (target,) = scraped.prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert target["labels"]["job"] == "pricetime"

    def rules() -> list[dict[str, Any]]:
        (group,) = scraped.prometheus.get("rules")["groups"]
        return list(group["rules"])

    until(lambda: all(rule["health"] == "ok" for rule in rules()))
    assert [rule["name"] for rule in rules()] == re.findall(r"alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
