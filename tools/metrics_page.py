"""Writes the tables of docs/operate/monitor.md from ``pricetime.exchange.control.meters``: ``make dashboard``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pricetime.exchange.control.cumulative import BOUNDS_NS
from pricetime.exchange.control.meters import OF_THE_PROCESS, SECTIONS

PAGE = Path(__file__).parents[1] / "docs" / "operate" / "monitor.md"

#: This tool writes everything that follows this line of the page.
MARK = "## Every metric\n"

HEAD = f"""
`make dashboard` writes this part. Counters start at 0 at each start, also with a journal; sequence numbers continue.

A histogram has {len(BOUNDS_NS)} buckets from 100 ns to 1 s, six for each power of ten. A value within 0.1 % of a bound
may count as above it; the sum is accurate to 0.05 %. Label `kind` of a latency is a
[kind of command](../reference/latency.md#kinds). Labels `kind` and `reason` of a report are the names in
[records](../reference/records.md) and [errors](../reference/errors.md), in lower case.
"""


def page() -> str:
    """The whole page: the hand-written part up to the mark, then the tables of metrics."""
    text, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    parts = [text, MARK, HEAD]
    for section in SECTIONS:
        rows = [row(meter.name, meter.kind, meter.help, meter.labels) for meter in section.meters()]
        if section is SECTIONS[-1]:
            rows += [row(name, kind, text) for name, (kind, text) in OF_THE_PROCESS.items()]
        parts.append(f"\n### {section.title}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n")
        parts += rows
    return "".join(parts)


def row(name: str, kind: str, text: str, labels: Iterable[str] = ()) -> str:
    return f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
