"""Where an exchange is, and who goes to it: the options that commands share, named as the server's settings."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from ..environment import PREFIX, VARIABLES
from .stop import CannotRun

F = TypeVar("F", bound=Callable[..., Any])

HOST, PORT, RECOVERY_PORT = "127.0.0.1", 7001, 7002
FEED_GROUP, FEED_PORT, INTERFACE = "239.255.77.1", 7003, "127.0.0.1"

TCP_PORT = click.IntRange(1, 65535)
FILE = click.Path(dir_okay=False, path_type=Path)

#: The heading of these options in the help of a command.
SECTION = "Exchange"


class Shared(NamedTuple):
    """An option that several commands have. Its environment variable is the server's, too."""

    default: Any
    kind: Any  #: what click takes as a type
    help: str


SHARED = {
    "host": Shared(HOST, str, "Address or name of the exchange."),
    "port": Shared(PORT, TCP_PORT, "TCP port for orders."),
    "recovery_port": Shared(RECOVERY_PORT, TCP_PORT, "TCP port of the recovery server."),
    "feed_group": Shared(FEED_GROUP, str, "Multicast group of the feed."),
    "feed_port": Shared(FEED_PORT, TCP_PORT, "UDP port of the feed."),
    "feed_interface": Shared(INTERFACE, str, "Address of the interface that receives the feed."),
    "order_capacity": Shared(1 << 20, click.IntRange(1, 1 << 31), "Orders that may rest, over all instruments."),
    "owner": Shared(1, click.IntRange(1, 65535), "Number to log in with."),
    "secrets_file": Shared(None, FILE, "File with the owner's secret; a server that is --open needs none."),
}


class SectionOption(click.Option):
    """An option under a heading of its own in the help."""

    def __init__(self, *declarations: Any, section: str, **settings: Any) -> None:
        super().__init__(*declarations, **settings)
        self.section = section


class Sectioned(click.Command):
    """A command whose help groups its options: first its own, then those of each section."""

    def invoke(self, ctx: click.Context) -> Any:
        check_environment()
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


class SectionedGroup(Sectioned, click.Group):
    """A group with such a help, and its commands behind it."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def check_environment() -> None:
    """Raises CannotRun for a variable of the environment that is a typing error, as the server does at its start."""
    known = VARIABLES | {PREFIX + name.upper() for name in SHARED}
    if not any(name.startswith(PREFIX) and name not in known for name in os.environ):
        return  # without the server's settings, which take a while to import
    if find_spec("pydantic_settings") is None:
        return
    from ..gateway.errors import CannotStart
    from ..gateway.sources import check_environment as check

    try:
        check()
    except CannotStart as error:
        raise CannotRun(str(error)) from error


def shared(*names: str, **changes: Any) -> Callable[[F], F]:
    """Gives a command these options of ``SHARED``. ``changes``: other help texts, by name."""

    def decorate(command: F) -> F:
        for name in reversed(names):
            command = shared_option(name, help=changes.get(name, SHARED[name].help))(command)
        return command

    return decorate


def shared_option(name: str, **settings: Any) -> Callable[[F], F]:
    """One of ``SHARED`` as an option; ``settings`` go before those of the table."""
    known = SHARED[name]
    defaults = {
        "default": known.default, "show_default": known.default is not None, "help": known.help,
        "envvar": PREFIX + name.upper(), "show_envvar": True,
    }  # fmt: skip
    return click.option(
        f"--{name.replace('_', '-')}", name, type=known.kind, cls=SectionOption, section=SECTION, **defaults | settings
    )
