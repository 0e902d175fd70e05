"""What the fields of a configuration may be, and how each is written in a file, the environment or a flag."""

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
    """What a thread does that finds no work: quicker to wake, or easier on the machine."""

    SPIN = "spin"
    PAUSE = "pause"
    YIELD = "yield"
    BLOCK = "block"


class Threading(StrEnum):
    """Whether gateway and matcher share one thread."""

    AUTO = "auto"
    SHARED = "shared"
    DEDICATED = "dedicated"


class Acknowledge(StrEnum):
    """What a command must survive before anybody is told of it."""

    MEMORY = "memory"
    DURABLE = "durable"


class LogFormat(StrEnum):
    """How an event is written."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def setting(group: str, default: Any, description: str, **limits: Any) -> Any:
    """A documented field: the group it is shown in, what it is when nothing is said, and what it may be."""
    return Field(default, description=description, json_schema_extra={"group": group}, **limits)


def written(member: IntEnum) -> str:
    """A member of an enumeration as a configuration names it."""
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
    """Takes the name of a member: ``cancel-newest``."""
    return BeforeValidator(partial(_named, enum))


def _split(mark: str, value: object) -> object:
    return [part for part in value.split(mark) if part.strip()] if isinstance(value, str) else value


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError(f"it must be a power of two: give {1 << value.bit_length()} or {1 << value.bit_length() - 1}")
    return value


def _address(value: object) -> object:
    """An address, or a name that has one. Of several the first of IPv4, which is what the feed goes by."""
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
        raise ValueError(f"no address is found for this name ({reason}): give an address, or another name") from error
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    return ip_address(found[0][4][0])


def _feed_address(value: object) -> object:
    found = _address(value)
    if isinstance(found, IPv6Address):
        raise ValueError("the feed goes by IPv4: give an IPv4 address")
    return found


def split_by(mark: str) -> BeforeValidator:
    """Takes a list in one string, as the environment and flags have it."""
    return BeforeValidator(partial(_split, mark))


PowerOfTwo = Annotated[int, AfterValidator(_power_of_two)]
Cpus = Annotated[tuple[Annotated[int, Field(ge=0, lt=4096)], ...], NoDecode, split_by(",")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")]
Names = Annotated[tuple[Name, ...], NoDecode, split_by(",")]
#: Where a server listens, and where its feed goes.
Host = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]
FeedAddress = Annotated[IPv4Address, BeforeValidator(_feed_address)]
Port = Annotated[int, Field(ge=0, le=65535)]
Fraction = Annotated[float, Field(ge=0, le=1)]
