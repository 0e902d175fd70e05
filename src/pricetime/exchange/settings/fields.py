"""The types of settings, and how each is written in a file, in the environment and as an option."""

from __future__ import annotations

import socket
from enum import IntEnum, StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_settings import NoDecode

E = TypeVar("E", bound=IntEnum)


class Idle(StrEnum):
    """How a thread waits for work, from the fastest to wake to the lightest on the machine."""

    SPIN = "spin"
    PAUSE = "pause"
    YIELD = "yield"
    BLOCK = "block"


class Acknowledge(StrEnum):
    """What a command survives once the server has sent a report of it."""

    MEMORY = "memory"
    DURABLE = "durable"


class LogFormat(StrEnum):
    """Format of the log."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """Lowest level that is written to the log."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def setting(group: str, default: Any, description: str, **limits: Any) -> Any:
    """A field with its documentation: group, default, description and limits."""
    return Field(default, description=description, json_schema_extra={"group": group}, **limits)


def written(member: IntEnum) -> str:
    """The name of an enumeration member in settings: ``CANCEL_NEWEST`` is written ``cancel-newest``."""
    return member.name.lower().replace("_", "-")


def _named(enum: type[E], value: object) -> object:
    if isinstance(value, str):
        for member in enum:
            if value.lower().replace("_", "-") == written(member):
                return member
    if isinstance(value, enum):
        return value
    raise ValueError(f"give one of {', '.join(map(written, enum))}")


def named(enum: type[E]) -> BeforeValidator:
    """A validator that accepts the name of a member: ``cancel-newest``."""
    return BeforeValidator(partial(_named, enum))


def _split(mark: str, value: object) -> object:
    return [part for part in value.split(mark) if part.strip()] if isinstance(value, str) else value


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError(f"not a power of two: give {1 << value.bit_length() - 1} or {1 << value.bit_length()}")
    return value


def _address(value: object) -> object:
    """Parse an address or resolve a host name. If a name has several addresses, the first IPv4 address is used."""
    if not isinstance(value, str):
        return value
    try:
        return ip_address(value.removeprefix("[").removesuffix("]"))
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(value, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"this host name has no address ({reason}): give an address or a different name") from error
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return ip_address(found[0][4][0])


def _feed_address(value: object) -> object:
    found = _address(value)
    if isinstance(found, IPv6Address):
        raise ValueError("the feed uses IPv4: give an IPv4 address")
    return found


def split_by(mark: str) -> BeforeValidator:
    """A validator that splits a list given as one string, the form of the environment and of options."""
    return BeforeValidator(partial(_split, mark))


def pairs(value: object) -> object:
    """Parse ``id=1,symbol=ABC``, the form of a table in the environment and in an option."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",")]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise ValueError("write it as id=1,symbol=ABC,tick_size=5")
    return {name.strip(): text.strip() for name, _, text in pairs}


PowerOfTwo = Annotated[int, AfterValidator(_power_of_two)]
Cpus = Annotated[tuple[Annotated[int, Field(ge=0, lt=4096)], ...], NoDecode, split_by(",")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
Names = Annotated[tuple[Name, ...], NoDecode, split_by(",")]
#: Addresses on which the server listens, and addresses of the feed, which is IPv4 only.
Host = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]
FeedAddress = Annotated[IPv4Address, BeforeValidator(_feed_address)]
Port = Annotated[int, Field(ge=0, le=65535)]
Fraction = Annotated[float, Field(ge=0, le=1)]
