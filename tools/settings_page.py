"""Writes docs/reference/settings.md from the settings themselves: ``make settings``."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

from pricetime.cli.serve import shown
from pricetime.gateway.config import GatewayConfig, InstrumentConfig, OwnerConfig

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"

HEAD = """\
# Settings of the server

What `pricetime serve` can be told: in a TOML file (`--config FILE`), in the environment, or by an option. An option
counts more than the environment, and the environment more than the file. `max_clients`, say, is

| in a file | in the environment | as an option |
|---|---|---|
| `max_clients = 100` | `PRICETIME_MAX_CLIENTS=100` | `--max-clients 100` |

Settings of yes or no are `true` and `false` in a file, `1` and `0` in the environment, and `--open` or `--no-open` as
options. Lists are `[2, 3]` in a file and `2,3` elsewhere. What is wrong ends the start with one line, which names the
place where it was given, and exit code 2: a name that no setting has, too, in a file, an option or a variable that
begins with `PRICETIME_`. Units end a name: `_ms` milliseconds, `_bytes` bytes. `--show-settings` prints all settings;
a log in JSON has them in one event.

Where a setting is a host, it is an address of IPv4 or IPv6, or a name: of a name with several addresses the first of
IPv4 counts. The feed goes by IPv4.

This page is written by `make settings`. How to run a server: [run](../operate/run.md).
"""

INSTRUMENTS = """
## Instruments

Each is a table in the file:

```toml
[[instruments]]
id = 1
symbol = "ABC"
tick_size = 5
low_price = 9000
high_price = 11000
self_trade = "cancel-newest"
```

As an option it is `--instrument id=1,symbol=ABC,tick_size=5`, again for each; in the environment they are all in one,
with a semicolon between them: `PRICETIME_INSTRUMENTS="id=1,symbol=ABC;id=2,symbol=XYZ"`.
"""

OWNERS = """
## Owners

Each owner with limits of its own is a table in the file. A limit that is not given there is the one of all owners.

```toml
max_open_orders = 10_000
max_order_quantity = 50_000

[[owners]]
id = 7
max_open_orders = 200_000
```

As an option it is `--owner id=7,max_open_orders=200000`, again for each; in the environment they are all in one, with a
semicolon between them: `PRICETIME_OWNERS="id=7,max_open_orders=200000;id=8,max_order_quantity=10"`.
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    groups: dict[str, list[str]] = {}
    for name, field in GatewayConfig.model_fields.items():
        extra: Any = field.json_schema_extra
        groups.setdefault(extra["group"], []).append(row(name, field))
    for group, rows in groups.items():
        parts.append(f"\n## {group}\n\n{table(rows)}")
    rows = [row(name, field) for name, field in InstrumentConfig.model_fields.items()]
    parts.append(f"{INSTRUMENTS}\n{table(rows)}")
    rows = [row(name, field) for name, field in OwnerConfig.model_fields.items()]
    parts.append(f"{OWNERS}\n{table(rows)}")
    return "".join(parts)


def table(rows: list[str]) -> str:
    return "| setting | what it is | default | may be |\n|---|---|---|---|\n" + "".join(rows)


def row(name: str, field: Any) -> str:
    default = "" if field.is_required() else shown(field.default)
    if hasattr(field.default, "name"):
        default = str(field.default.name).lower().replace("_", "-")
    default = f"`{default}`" if default not in {"", "none"} else default
    return f"| `{name}` | {field.description} | {default} | {', '.join(limits(field))} |\n"


def limits(field: Any) -> Iterator[str]:
    """What a setting may be, in words."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        yield ", ".join(f"`{member}`" for member in kind)
    found = {
        name: getattr(part, name) for part in metadata(field) for name in ("ge", "lt", "le") if hasattr(part, name)
    }
    if "ge" in found:
        most = found.get("le", found.get("lt", 0) - 1 if "lt" in found else None)
        yield f"{number(found['ge'])} to {number(most)}" if most is not None else f"{number(found['ge'])} or more"
    if any("power_of_two" in repr(part) for part in field.metadata):
        yield "a power of two"


def metadata(field: Any) -> Iterator[Any]:
    """The limits of a field; those of an optional one stand inside."""
    for part in field.metadata:
        yield part
        yield from getattr(part, "metadata", ())


def number(value: int) -> str:
    """A limit as people write it."""
    if abs(value) >= 2**20:
        power = abs(value + 1 if value % 2 else value).bit_length() - 1
        if value in {2**power, 2**power - 1, -(2**power)}:
            return f"{'-' if value < 0 else ''}2^{power}{' - 1' if value == 2**power - 1 else ''}"
    return f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
