"""Reads the settings of a server from a TOML file, the environment and the command line.

The environment (``PRICETIME_`` and the name in capitals) overrides the file, and options override both. An error is
one line that begins with the place where the wrong value was given.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Container, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource

from ...environment import PREFIX, VARIABLES
from .config import GatewayConfig, OwnerConfig
from .errors import CannotStart
from .instrument import InstrumentConfig

#: Settings that are lists of tables, with the model of each table.
TABLES: dict[str, type[BaseModel]] = {"instruments": InstrumentConfig, "owners": OwnerConfig}


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> GatewayConfig:
    """Read the settings: flags override the environment, which overrides the file. Raises CannotStart."""
    check_environment()
    flags = dict(flags or {})
    in_file = _read(file) if file is not None else {}
    in_environment = EnvSettingsSource(GatewayConfig)()
    try:
        config = GatewayConfig(**{**in_file, **in_environment, **flags})
    except ValidationError as error:
        first = error.errors()[0]
        raise CannotStart(
            _message_of(first, _origin(_setting_of(first), file, in_file, in_environment, flags))
        ) from error
    return config.reread_with(partial(load, file, flags))


def check_environment() -> None:
    """Raise CannotStart for a variable that begins with ``PRICETIME_`` and is not a setting: probably a typo."""
    known = VARIABLES | set(map(environment_name, GatewayConfig.model_fields))
    for name in sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known):
        setting = name.removeprefix(PREFIX).lower()
        near = _suggestion(setting, [known_name.removeprefix(PREFIX).lower() for known_name in known])
        raise CannotStart(f"{name}: there is no setting {setting!r}{near}")


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def flag(name: str) -> str:
    """The option of a setting. ``--instrument`` and ``--owner`` each give one table and can be repeated."""
    return f"--{name.removesuffix('s') if name in TABLES else name.replace('_', '-')}"


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as text:
            return tomllib.load(text)
    except OSError as error:
        raise CannotStart(f"settings file {file}: {error.strerror}: give a readable file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotStart(f"settings file {file} is not TOML: {error}") from error


def _setting_of(error: ErrorDetails) -> str:
    """The name of the setting that an error is about."""
    if error["loc"]:
        return str(error["loc"][0])
    return error["msg"].removeprefix("Value error, ").partition(":")[0]


def _origin(
    name: str, file: Path | None, in_file: Container[str], in_environment: Container[str], flags: Container[str]
) -> str:
    """Where the user gave a setting: option, variable, or file and name."""
    if name in flags:
        return flag(name)
    if name in in_environment:
        return environment_name(name)
    return f"{file}: {name}" if name in in_file else name


def _message_of(error: ErrorDetails, origin: str) -> str:
    """One line: where, the value given, what is allowed."""
    place, message = error["loc"], error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        kind: type[BaseModel] = GatewayConfig if len(place) == 1 else TABLES[str(place[0])]
        known = kind.model_fields
        return f"{origin}: there is no setting {place[-1]!r}{_suggestion(str(place[-1]), known)}"
    if not place:
        return f"{origin}: {message.partition(': ')[2]}"
    inner = "".join(f" {part + 1}" if isinstance(part, int) else f", {part}" for part in place[1:])
    given = "" if error["type"] == "missing" else f"{_short(error['input'])}: "
    return f"{origin}{inner}: {given}{message[:1].lower()}{message[1:]}"


def _suggestion(name: str, known: Iterable[str]) -> str:
    """A question with the most similar known name; empty without one."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f": did you mean {near[0]!r}?" if near else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
