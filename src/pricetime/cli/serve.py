"""``pricetime serve``: runs an exchange."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import PricetimeError
from .place import Sectioned, SectionOption
from .stop import CannotRun

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from ..exchange.control.control import Page
    from ..exchange.settings.config import GatewayConfig


class Settings(Sectioned):
    """A command with an option for every setting of the server. The options are created when they are first needed."""

    _made: list[click.Parameter] | None = None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        if self._made is None:
            with one_line_errors():
                self._made = [*self.params, *options()]
        return [*self._made, *super().get_params(ctx)[len(self.params) :]]


@click.command(cls=Settings)
@click.option("--show-settings", is_flag=True, help="Print all settings before the start; bold: given by the user.")
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="PRICETIME_CONFIG",
    show_envvar=True,
    help="TOML file of settings. Names are those of the options, with _ instead of -.",
)
def serve(file: Path | None, *, show_settings: bool, **given: Any) -> None:
    """Run an exchange on this machine.

    Clients send orders over TCP; the server sends the feed over UDP multicast. By default it listens on 127.0.0.1
    only. Clients log in with secrets; --open accepts every login, for tests:

    \b
        pricetime secret 7 --secrets-file secrets.toml
        pricetime serve --secrets-file secrets.toml --instrument id=1,symbol=ABC,tick_size=5
        pricetime serve --open

    Each setting can be given in a file, in the environment (PRICETIME_ and its name in capitals) or as an option.
    Options override the environment, which overrides the file. SIGTERM stops the server after all reports are sent;
    SIGHUP rereads secrets and the phases of instruments.
    """
    with one_line_errors():
        from ..exchange.settings.sources import load

        config = load(file, {name: value for name, value in given.items() if value not in {None, ()}})
        code = run(config, show_settings=show_settings)
    raise SystemExit(code)


def run(config: GatewayConfig, *, show_settings: bool) -> int:
    """Run the server and print where it listens. Returns the exit code."""
    from importlib import import_module

    from .. import COMPILED
    from ..exchange.control.preflight import check_form
    from ..exchange.settings.server_log import is_for_people
    from .show import settings

    check_form(compiled=COMPILED)
    if show_settings:
        settings(rows(config))
    for_people = is_for_people(config.log_format)
    code: int = import_module("pricetime.exchange.server").run(config, live_page, show_places if for_people else None)
    return code


def live_page(*given: Any) -> Page:
    """Make the live page. It is imported only here, because it needs the extra ``web``."""
    from ..web.server import LivePage

    return LivePage(*given)


def show_places(places: Iterable[tuple[str, str]]) -> None:
    """Print the addresses on which the server listens."""
    click.echo("\n".join(["listening on", *(f"  {what:<10} {where}" for what, where in places), ""]))


@contextmanager
def one_line_errors(command: str = "pricetime serve") -> Iterator[None]:
    """Check the packages of the server, and turn an error that prevents the start into one line and exit code 2."""
    from ..extras import require

    try:
        for package in ("pydantic_settings", "structlog"):
            require(package, "server", command)
        yield
    except (PricetimeError, MemoryError) as error:
        raise CannotRun(str(error) or "not enough memory: lower order_capacity or feed_store_reports") from error


def options() -> Iterator[click.Option]:
    """One option for each setting."""
    from ..exchange.settings.config import GatewayConfig
    from ..exchange.settings.sources import TABLES, flag

    for name, field in GatewayConfig.model_fields.items():
        assert isinstance(field.json_schema_extra, dict)
        section = str(field.json_schema_extra["group"])
        text = f"{str(field.description).replace('`', '')} [default: {shown(field.default)}]"
        text = text[:1].upper() + text[1:]
        kind = field.annotation
        if kind is bool:
            names = [f"{flag(name)}/--no-{name.replace('_', '-')}", name]
            yield SectionOption(names, section=section, default=None, help=text)
        elif isinstance(kind, type) and issubclass(kind, StrEnum):
            choice = click.Choice([member.value for member in kind])
            yield SectionOption([flag(name), name], section=section, type=choice, help=text)
        else:
            several = name in TABLES
            yield SectionOption(
                [flag(name), name], section=section, multiple=several, metavar=metavar(name, field), help=text
            )


def metavar(name: str, field: FieldInfo) -> str:
    """The placeholder for the value of an option in the help."""
    if name in {"instruments", "owners"}:
        return "id=ID,symbol=TEXT,..." if name == "instruments" else "id=ID,max_open_orders=NUMBER,..."
    annotation = str(field.annotation)
    for part, word in (
        ("IPv6Address", "HOST"),
        ("IPv4Address", "ADDRESS"),
        ("Path", "FILE"),
        ("tuple", "LIST"),
        ("float", "FRACTION"),
    ):
        if part in annotation:
            return word
    return "NUMBER"


def shown(value: object) -> str:
    """A value as the help, the documentation and ``--show-settings`` show it."""
    from ..exchange.settings.config import OwnerConfig
    from ..exchange.settings.instrument import InstrumentConfig

    tables = (InstrumentConfig, OwnerConfig)
    if isinstance(value, tuple):
        mark = ";" if any(isinstance(part, tables) for part in value) else ","
        return mark.join(map(shown, value)) or "none"
    if isinstance(value, tables):
        given = [(name, getattr(value, name)) for name in value.model_fields_set]
        return ",".join(f"{name}={part_shown(part)}" for name, part in sorted(given))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


def part_shown(value: object) -> str:
    """A value of a table as an option gives it: ``cancel-newest``, ``limit/market``, or the rows of a schedule."""
    from enum import IntEnum

    from ..exchange.settings.fields import written

    if isinstance(value, IntEnum):
        return written(value)
    if isinstance(value, frozenset):
        return "/".join(map(part_shown, sorted(value)))
    return "|".join(map(str, value)) if isinstance(value, tuple) else str(value)


def rows(config: GatewayConfig) -> Iterator[tuple[str, str, str, bool]]:
    """For each setting: group, name, value, and whether it was given."""
    for name, field in type(config).model_fields.items():
        assert isinstance(field.json_schema_extra, dict)
        yield str(field.json_schema_extra["group"]), name, shown(getattr(config, name)), name in config.model_fields_set
