"""Prints what the nodes and the NATS servers of a cluster say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..cluster.settings import ClusterConfig
    from ..cluster.survey import Survey
    from .table import Column, Grid

#: How often ``--watch`` prints it again, in seconds.
EVERY_S = 1.0

NONE = "-"


def status(settings: ClusterConfig, found: Survey, *, as_json: bool, again: bool) -> None:
    """Print the tables and what is wrong, or a line of JSON. ``again``: replace what was printed before."""
    if as_json:
        click.echo(json.dumps({"cluster": settings.name, **found.json()}))
        return
    from .table import console

    out = console()
    if again:
        out.clear()
    out.print(nodes(found), servers(found))
    for fault in found.faults():
        click.echo(fault)


def nodes(found: Survey) -> Grid:
    """The table of the nodes."""
    from .table import Column, Grid

    made = Grid(
        text("partition"), text("node"), text("role"), Column("term"),
        Column("sequence"), Column("lag"), Column("unacknowledged pages", leave_out=1), Column("snapshot", leave_out=2),
        text("program", leave_out=3),
    )  # fmt: skip
    for (partition, node), said in found.nodes.items():
        if said is None:
            made.add_row(partition, node, "does not answer", style="red")
            continue
        figures = (
            said.get("term"), said.get("sequence"), found.lag(partition, said), said.get("unacknowledged_pages"),
            said.get("snapshot"),
        )  # fmt: skip
        style = "bold" if said["role"] == "leader" else None
        made.add_row(partition, node, said["role"], *map(figure, figures), said["program"], style=style)
    return made


def servers(found: Survey) -> Grid:
    """The table of the NATS servers."""
    from .table import Grid

    made = Grid(
        text("NATS server"), text("name"), text("version"), *(text(f"stream of {one}") for one in found.streams),
    )  # fmt: skip
    for server in found.servers:
        if server.said is None:
            made.add_row(server.address, "does not answer", style="red")
            continue
        replicas = (found.replica(partition, server.name) or NONE for partition in found.streams)
        made.add_row(server.address, server.name, str(server.said["version"]), *replicas)
    return made


def text(name: str, *, leave_out: int = 0) -> Column:
    """A column of words."""
    from .table import Column

    return Column(name, leave_out=leave_out, justify="left")


def figure(value: Any) -> str:
    """A number; a dash without one."""
    return NONE if value is None else f"{value:,}"
