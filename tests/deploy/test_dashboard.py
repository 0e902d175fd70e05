"""The dashboard equals the output of its generator and queries existing metrics only."""

import json
import re
from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")
pytest.importorskip("grafana_foundation_sdk", reason="needs the development's packages: make build")

from pricetime.exchange.control import meters
from tests.deploy.queries import metrics_of, queries
from tools.dashboard import FILE, page

DASHBOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def test_it_is_up_to_date() -> None:
    assert FILE.read_text(encoding="utf-8") == page(), "run make dashboard"


def test_every_query_is_about_metrics_that_there_are() -> None:
    known = {meter.name for section in meters.SECTIONS for meter in section.meters()} | set(meters.OF_THE_PROCESS)
    for title, expression in queries(DASHBOARD):
        assert metrics_of(expression) <= known | {"scrape_duration_seconds"}, title


def test_every_metric_that_matters_is_on_it() -> None:
    asked = set().union(*(metrics_of(expression) for _, expression in queries(DASHBOARD)))
    left_out = {meter.name for section in meters.SECTIONS for meter in section.meters()} - asked
    assert left_out == {
        "pricetime_gateway_iterations_total", "pricetime_ring_slots", "pricetime_ring_used_slots",
        "pricetime_feed_sequence",
        "pricetime_feed_datagrams_total", "pricetime_feed_calls_total",
        "pricetime_books_left_out", "pricetime_connections_total", "pricetime_logins_total", "pricetime_build_info",
        "pricetime_recovery_ended_total", "pricetime_sessions_ended_total", "pricetime_log_sequence",
        "pricetime_journal_synced_sequence",
        "pricetime_journal_segment", "pricetime_journal_offset_bytes", "pricetime_snapshot_sequence",
        "pricetime_journal_copies", "pricetime_journal_copied_bytes_total", "pricetime_scrapes_total",
    }  # fmt: skip


def test_panels_have_numbers_of_their_own_and_do_not_overlap() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert all(x < 24 for x, _ in cells), panel["title"]
        taken |= cells


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: f"{panel['id']} {panel['title']}")
def test_every_panel_asks_the_server_that_is_chosen(panel: dict[str, Any]) -> None:
    assert panel["targets"]
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)
    for target in panel["targets"]:
        assert target["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert re.search(r'instance="\$instance"', target["expr"])
        assert (target["format"] == "heatmap") == (panel["type"] == "heatmap")
