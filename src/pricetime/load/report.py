"""Writes runs as one self-contained HTML page: pictures, tables, and the machine and command of each run."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from ..extras import require
from .figures import Picture
from .recording import Recording
from .tables import latency_table, rate_table, step_tables


def page(recordings: Sequence[Recording], pictures: Sequence[Picture]) -> str:
    """The HTML of these runs and pictures; equal runs give equal text. Raises MissingExtra."""
    jinja2: Any = require("jinja2", "report", "a report")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["address"] = lambda svg: f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"
    template = environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    runs = {each.name: each.run for each in recordings}
    text: str = template.render(
        title=recordings[0].label if len(recordings) == 1 else f"{len(recordings)} runs",
        recordings=recordings,
        tables=[
            rate_table(runs),
            latency_table({name: run.latency_ns for name, run in runs.items()}),
            *step_tables(runs),
        ],
        pictures=pictures,
        version=version("pricetime"),
    )
    return text
