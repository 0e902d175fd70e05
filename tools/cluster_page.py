"""Writes docs/reference/cluster-settings.md from the fields of ``ClusterConfig``: ``make settings``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pricetime.cluster.settings import DECIDED, ClusterConfig, Node, Partition

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "cluster-settings.md"

HEAD = """\
# Settings of a cluster

`pricetime cluster node` and the other commands of [a cluster](../operate/cluster.md) read one TOML file (`--config`),
which is the same on all machines. Relative paths begin in its folder. A wrong value or an unknown name stops the start
with exit code 2.

```toml
name = "example"
servers = ["nats://10.0.0.1:4222", "nats://10.0.0.2:4222", "nats://10.0.0.3:4222"]
monitors = ["http://10.0.0.1:8222", "http://10.0.0.2:8222", "http://10.0.0.3:8222"]
exchange = "exchange.toml"

[partitions.main]
feed_port = 7003

[nodes.a]
host = "10.0.0.1"
journal = "/var/lib/pricetime"
```

The [settings of the exchange](settings.md) are in a file of their own, `exchange`. A table of a partition or of a node
may contain any of them too: that of a node overrides that of its partition, which overrides the file and the
environment. The cluster decides three of them:

"""

TAIL = "`make settings` writes this page from [`cluster/settings.py`](../../src/pricetime/cluster/settings.py).\n"

TABLES: dict[str, type[BaseModel]] = {
    "The file": ClusterConfig,
    "Partitions: tables `[partitions.NAME]`": Partition,
    "Nodes: tables `[nodes.NAME]`": Node,
}

#: Fields that are tables, or that the file does not contain.
LEFT_OUT = {"partitions", "nodes", "folder"}

#: Meanings of fields that have none in the model.
WORDS = {"name": "Name: letters, digits, `-` and `_`", "password": "Password of this user"}


def page() -> str:
    """The whole page."""
    parts = [HEAD, "| setting | instead |\n|---|---|\n"]
    parts += [f"| `{name}` | {instead} |\n" for name, instead in DECIDED.items()]
    for title, model in TABLES.items():
        parts.append(f"\n## {title}\n\n| setting | meaning | default |\n|---|---|---|\n{rows(model)}")
    parts.append(f"\n{TAIL}")
    return "".join(parts)


def rows(model: type[BaseModel]) -> str:
    """The rows of a table of settings."""
    return "".join(
        f"| `{name}` | {field.description or WORDS[name]} | {default(field)} |\n"
        for name, field in model.model_fields.items()
        if name not in LEFT_OUT
    )


def default(field: Any) -> str:
    """The default of a setting; empty if it must be given."""
    if field.is_required():
        return ""
    value = field.default
    if value is None or value in ("", ()):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
