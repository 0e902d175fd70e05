"""The queries of a dashboard to Prometheus."""

import re
from collections.abc import Iterator
from typing import Any


def queries(dashboard: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Title of the panel, and expression, of every query."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"{panel['id']} {panel['title']} {target['refId']}", target["expr"]


def metrics_of(expression: str) -> set[str]:
    """The metrics that an expression is about: histograms and summaries without their endings."""
    found = set(re.findall(r"\b(?:pricetime|process|scrape)_\w+", expression))
    return {re.sub(r"_seconds_(bucket|sum|count)$", "_seconds", name) for name in found}
