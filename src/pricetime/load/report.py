"""Writes runs as one self-contained HTML page: pictures, tables, and the machine and command of each run."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from ..extras import require
from .pictures import Picture, pictures
from .recording import Recording, of_loads
from .run_file import LoadRun
from .styles import STYLES
from .tables import load_table, tables_of


def page(recordings: Sequence[Recording]) -> str:
    """The HTML of these runs; equal runs give equal text. Raises MissingExtra."""
    jinja2: Any = require("jinja2", "report", "a report")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    loads = list(of_loads(recordings))
    text: str = template.render(
        title=recordings[0].label if len(recordings) == 1 else f"{len(recordings)} runs",
        troubles=[(each.label, each.run.troubles()) for each in recordings if each.run.troubles()],
        notes=[(each.label, each.note) for each in recordings if each.note],
        loads=load_table([recording for recording, _ in loads]) if loads else None,
        conditions=list(conditions(recordings)),
        figures=[show(picture) for picture in pictures(recordings)],
        version=version("pricetime"),
    )
    return text


def show(picture: Picture) -> dict[str, Any]:
    """A picture as the page shows it, light and dark."""
    return {
        "picture": picture,
        "addresses": {style: address(picture.bytes_of(style, "svg")) for style in STYLES},
        "tables": list(tables_of(picture.name, picture.shows)),
        "conditions": list(conditions(picture.shows)),
    }


def address(svg: bytes) -> str:
    """A data URL of the picture."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def conditions(recordings: Sequence[Recording]) -> Iterator[dict[str, Any]]:
    """The version and machine that some of these runs share, with label, start, command and settings of each."""
    together: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {}
    for each in recordings:
        machine = " · ".join(f"{name}: {value}" for name, value in each.run.machine.items())
        row = (each.name, f"{each.run.started_at:%Y-%m-%d %H:%M:%S %Z}", each.run.command, settings(each))
        together.setdefault((each.run.version, machine), []).append(row)
    for (release, machine), runs in together.items():
        yield {"version": release, "machine": machine, "runs": runs}


def settings(recording: Recording) -> str:
    """The settings of a run as text."""
    given = recording.run.settings if isinstance(recording.run, LoadRun) else {}
    words = dict(given)
    if given and given.get("rate") is None and given.get("ramp") is None:
        words["rate"] = "as fast as possible"
    return ", ".join(f"{name} {number(value)}" for name, value in words.items() if value is not None)


def number(value: object) -> str:
    """A setting as text. Numbers of 100,000 or more get commas, so that ports do not."""
    if isinstance(value, list):
        return " to ".join(map(number, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and value >= 100_000:
        return f"{value:,.0f}"
    return f"{value:g}" if isinstance(value, float) else str(value)
