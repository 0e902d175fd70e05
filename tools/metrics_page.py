"""Generate the tables of docs/operate/monitor.md from the metrics: ``make dashboard``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pricetime.gateway.meters import OF_THE_PROCESS, SECTIONS
from pricetime.measure.cumulative import BOUNDS_NS

PAGE = Path(__file__).parents[1] / "docs" / "operate" / "monitor.md"

#: The part below this line is generated.
MARK = "## Every metric\n"

HEAD = f"""
`make dashboard` generates this part. Counters count from the start of the process. A histogram has
{len(BOUNDS_NS)} buckets from 100 ns to 1 s, six for each power of ten; a value within 0.1 % of a bound may count as
above it, and the sum is exact to 0.05 %. The `kind` of a latency is the outcome of the command: `rests` (an order
that did not trade), `trades`, `cancel` (or reduce), `replace`, `other` (rejected, mass cancels, states). `kind` and
`reason` of a report are those of [records](../reference/records.md) and [errors](../reference/errors.md) in lower case.
"""


def page() -> str:
    """Return the page: the existing text up to the mark, then every metric."""
    text, _, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    parts = [text, MARK, HEAD]
    for section in SECTIONS:
        rows = [row(meter.name, meter.kind, meter.help, meter.labels) for meter in section.meters()]
        if section is SECTIONS[-1]:
            rows += [
                row(name, kind, f"{text} From `prometheus-client`.") for name, (kind, text) in OF_THE_PROCESS.items()
            ]
        parts.append(f"\n### {section.title}\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n")
        parts += rows
    return "".join(parts)


def row(name: str, kind: str, text: str, labels: Iterable[str] = ()) -> str:
    return f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {text} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
