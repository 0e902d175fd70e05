"""Where the settings of a server come from.

A TOML file, over it the environment (``PRICETIME_`` and the name in capitals), over that the flags of the command
line. What is wrong is told in one line that begins with the place where it was given.
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

from ..environment import PREFIX, VARIABLES
from .config import GatewayConfig, InstrumentConfig, OwnerConfig
from .errors import CannotStart

#: Settings that are a list of tables, and what each of these is.
TABLES: dict[str, type[BaseModel]] = {"instruments": InstrumentConfig, "owners": OwnerConfig}


def load(file: Path | None = None, flags: Mapping[str, Any] | None = None) -> GatewayConfig:
    """The settings from a file, the environment over it, and flags over both. Raises CannotStart."""
    check_environment()
    flags = dict(flags or {})
    in_file = _read(file) if file is not None else {}
    in_environment = EnvSettingsSource(GatewayConfig)()
    try:
        config = GatewayConfig(**{**in_file, **in_environment, **flags})
    except ValidationError as error:
        first = error.errors()[0]
        raise CannotStart(_told(first, _origin(_culprit(first), file, in_file, in_environment, flags))) from error
    return config.read_by(partial(load, file, flags))


def check_environment() -> None:
    """Raises CannotStart for a variable that begins with ``PRICETIME_`` and means nothing: it is a typing error."""
    known = VARIABLES | set(map(environment_name, GatewayConfig.model_fields))
    for name in sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known):
        setting = name.removeprefix(PREFIX).lower()
        near = _near(setting, [known_name.removeprefix(PREFIX).lower() for known_name in known])
        raise CannotStart(f"{name}: no setting is called {setting!r}{near}")


def environment_name(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def flag(name: str) -> str:
    """The flag of a setting. That of the instruments, and of the owners, names one, and may be given again."""
    return f"--{name.removesuffix('s') if name in TABLES else name.replace('_', '-')}"


def _read(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as text:
            return tomllib.load(text)
    except OSError as error:
        raise CannotStart(f"settings file {file}: {error.strerror}: give a file that can be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotStart(f"settings file {file} is not TOML: {error}") from error


def _culprit(error: ErrorDetails) -> str:
    """The setting that an error is about."""
    if error["loc"]:
        return str(error["loc"][0])
    return error["msg"].removeprefix("Value error, ").partition(":")[0]


def _origin(
    name: str, file: Path | None, in_file: Container[str], in_environment: Container[str], flags: Container[str]
) -> str:
    """Where a setting was given, as its reader knows it."""
    if name in flags:
        return flag(name)
    if name in in_environment:
        return environment_name(name)
    return f"{file}: {name}" if name in in_file else name


def _told(error: ErrorDetails, origin: str) -> str:
    """One line: where, what was given, what is allowed."""
    place, message = error["loc"], error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        kind: type[BaseModel] = GatewayConfig if len(place) == 1 else TABLES[str(place[0])]
        known = kind.model_fields
        return f"{origin}: no setting is called {place[-1]!r}{_near(str(place[-1]), known)}"
    if not place:
        return f"{origin}: {message.partition(': ')[2]}"
    inner = "".join(f" {part + 1}" if isinstance(part, int) else f", {part}" for part in place[1:])
    given = "" if error["type"] == "missing" else f"{_short(error['input'])}: "
    return f"{origin}{inner}: {given}{message[:1].lower()}{message[1:]}"


def _near(name: str, known: Iterable[str]) -> str:
    """A question after the name that was probably meant; empty where none is like it."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f": did you mean {near[0]!r}?" if near else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
