"""Writes docs/reference/settings.md from the fields of ``GatewayConfig``: ``make settings``."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from pricetime.cli.serve import part_shown, shown
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.fields import written
from pricetime.exchange.settings.instrument import InstrumentConfig

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"

HEAD = """\
# Settings of the server

`pricetime serve` reads settings from a TOML file (`--config FILE`), from the environment and from its options. Options
override the environment, and the environment overrides the file.

| in a file | in the environment | as an option |
|---|---|---|
| `max_clients = 100` | `PRICETIME_MAX_CLIENTS=100` | `--max-clients 100` |
| `open = true` | `PRICETIME_OPEN=1` | `--open` (`--no-open` for false) |
| `gateway_cpus = [2, 3]` | `PRICETIME_GATEWAY_CPUS=2,3` | `--gateway-cpus 2,3` |

`--show-settings` prints all settings. A wrong value or an unknown name, also of a variable that begins with
`PRICETIME_`, stops the start with exit code 2. A name that ends in `_us`, `_ms`, `_s` or `_bytes` has this unit. A host
is an IPv4 address, an IPv6 address or a name; of a name, the server uses the first IPv4 address if there is one.

`make settings` writes this page from [`exchange/settings/config.py`](../../src/pricetime/exchange/settings/config.py).
"""

INSTRUMENTS = """
## Instruments

Each instrument is one table in the file:

```toml
[[instruments]]
id = 1
symbol = "ABC"
tick_size = 5
low_price = 9000
high_price = 11000
self_trade = "cancel-newest"
```

As an option: `--instrument id=1,symbol=ABC,tick_size=5`, once for each instrument. In the environment, separated by
semicolons: `PRICETIME_INSTRUMENTS="id=1,symbol=ABC;id=2,symbol=XYZ"`.
"""

OWNERS = """
## Owners

An owner with its own limits is one table in the file, with its `id` and any of the [owner limits](#owner-limits).

```toml
max_open_orders = 10_000
max_order_quantity = 50_000

[[owners]]
id = 7
max_open_orders = 200_000
```

As an option: `--owner id=7,max_open_orders=200000`, once for each owner. In the environment, separated by semicolons:
`PRICETIME_OWNERS="id=7,max_open_orders=200000;id=8,max_order_quantity=10"`.
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
    parts += [f"{INSTRUMENTS}\n{table(rows)}", OWNERS]
    return "".join(parts)


def table(rows: list[str]) -> str:
    return "| setting | meaning | default | allowed |\n|---|---|---|---|\n" + "".join(rows)


def row(name: str, field: Any) -> str:
    meaning, _, default = field.description.partition("; default: ")
    if not default and not field.is_required():
        default = part_shown(field.default) if isinstance(field.default, IntEnum | frozenset) else shown(field.default)
        default = f"`{default}`" if default not in {"", "none"} else default
    return f"| `{name}` | {meaning} | {default} | {', '.join(limits(field))} |\n"


def limits(field: Any) -> Iterator[str]:
    """The allowed values of a setting, in words."""
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        yield ", ".join(f"`{written(member)}`" for member in kind)
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
    """The limits of a field, including those inside an optional type."""
    for part in field.metadata:
        yield part
        yield from getattr(part, "metadata", ())


def number(value: int) -> str:
    """A limit with separators, or as a power of two."""
    if abs(value) >= 2**20:
        power = abs(value + 1 if value % 2 else value).bit_length() - 1
        if value in {2**power, 2**power - 1, -(2**power)}:
            return f"{'-' if value < 0 else ''}2^{power}{' - 1' if value == 2**power - 1 else ''}"
    return f"{value:,}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
