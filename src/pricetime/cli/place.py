"""The options that commands share: address of the exchange and login. They are named like the server's settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
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

#: The heading of these options in the help.
SECTION = "Exchange"


class Shared(NamedTuple):
    """An option of several commands. Its environment variable is also that of the server's setting."""

    default: Any
    kind: Any  #: the type for click
    help: str


SHARED = {
    "host": Shared(HOST, str, "Address or host name of the exchange."),
    "port": Shared(PORT, TCP_PORT, "TCP port for orders."),
    "recovery_port": Shared(RECOVERY_PORT, TCP_PORT, "TCP port that sends snapshots and missed reports again."),
    "feed_group": Shared(FEED_GROUP, str, "Multicast group of the feed."),
    "feed_port": Shared(FEED_PORT, TCP_PORT, "UDP port of the feed."),
    "feed_interface": Shared(INTERFACE, str, "Address of the network interface that receives the feed."),
    "order_capacity": Shared(
        1 << 20, click.IntRange(1, 1 << 31), "Most orders that can rest at the same time, over all instruments."
    ),
    "owner": Shared(1, click.IntRange(1, 65535), "Owner number to log in with."),
    "secrets_file": Shared(None, FILE, "File with the owner's secret. Not needed if the server runs with --open."),
}


class Read(click.ParamType):  # type: ignore[type-arg]  # it takes none in click 8.1
    """What ``read`` makes of a word. The message of its ValueError is that of the command."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


class SectionOption(click.Option):
    """An option with its own heading in the help."""

    def __init__(self, *declarations: Any, section: str, **settings: Any) -> None:
        super().__init__(*declarations, **settings)
        self.section = section


def option(section: str, *names: str, **settings: Any) -> Callable[[Any], Any]:
    """An option under this heading of the help."""
    return click.option(*names, cls=SectionOption, section=section, **settings)


class Grouped(click.Command):
    """A command whose help groups its options: first its own, then those of each section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


class Sectioned(Grouped):
    """A command that uses an exchange: it checks the environment for misspelt variables first."""

    def invoke(self, ctx: click.Context) -> Any:
        check_environment()
        return super().invoke(ctx)


class SectionedGroup(Sectioned, click.Group):
    """A group of commands that use an exchange."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def check_environment() -> None:
    """Raise CannotRun for an unknown PRICETIME_ variable in the environment, as the server does when it starts."""
    known = VARIABLES | {PREFIX + name.upper() for name in SHARED}
    if not any(name.startswith(PREFIX) and name not in known for name in os.environ):
        return  # before importing the server's settings, which is slow
    if find_spec("pydantic_settings") is None:
        return
    from ..exchange.settings.errors import CannotStart
    from ..exchange.settings.sources import check_environment as check

    try:
        check()
    except CannotStart as error:
        raise CannotRun(str(error)) from error


def together(options: Iterable[Callable[[F], F]]) -> Callable[[F], F]:
    """These options as one decorator."""

    def decorate(command: F) -> F:
        for each in reversed([*options]):
            command = each(command)
        return command

    return decorate


def shared(*names: str, **changes: Any) -> Callable[[F], F]:
    """Give a command these options of ``SHARED``. ``changes``: different help texts, by name."""
    return together(shared_option(name, help=changes.get(name, SHARED[name].help)) for name in names)


def shared_option(name: str, **settings: Any) -> Callable[[F], F]:
    """One of ``SHARED`` as an option. ``settings`` override the table."""
    default, kind, text = SHARED[name]
    known = {"default": default, "help": text, "envvar": PREFIX + name.upper(), "show_envvar": True, "section": SECTION}
    return click.option(f"--{name.replace('_', '-')}", name, type=kind, cls=SectionOption, **known | settings)


def secret_of(owner: int, file: Path | None, *, follows: bool = False) -> bytes:
    """The owner's secret from the file; empty without a file, for a server with --open. ``follows``: of a follower."""
    if file is None:
        return b""
    from ..exchange.control.secrets import read

    found = read(file).follower(owner) if follows else read(file).trader(owner)
    if found is None:
        kind, more = ("a follower", " --follows") if follows else ("an owner", "")
        message = f"{owner} is not {kind} in {file}: add it with pricetime secret {owner}{more}"
        raise click.BadParameter(message, param_hint="--owner")
    return found
