"""The secrets file: owners that may log in, and their secrets. Only its user may read the file.

    [owners.7]
    name = "market maker"
    secret = "64 hexadecimal digits"

An owner with ``follows = true`` may copy the journal (``journal_port``) and may not trade. ``wire.auth`` describes how
a login proves that it knows the secret.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...errors import PricetimeError
from ...wire import auth
from ...wire.types import MAX_OWNER

LEAST_SECRET_BYTES = 16


class SecretsError(PricetimeError):
    """The secrets file cannot be used. The message says why and what to do."""


class Owner(NamedTuple):
    """An owner and its secret, which ``repr`` does not show."""

    number: int
    name: str
    secret: bytes
    follows: bool = False

    def __repr__(self) -> str:
        return f"Owner({self.number}, {self.name!r})"


class Secrets(dict[int, Owner]):
    """The owners that may log in, to trade or to copy the journal, by number."""

    def trader(self, number: int) -> bytes | None:
        """The secret of an owner that may trade; None if there is no such owner."""
        owner = self.get(number)
        return None if owner is None or owner.follows else owner.secret

    def traders(self) -> list[int]:
        """The owners that may trade."""
        return [number for number, owner in self.items() if not owner.follows]

    def follower(self, number: int) -> bytes | None:
        """The secret of an owner that may copy the journal; None if there is no such owner."""
        owner = self.get(number)
        return owner.secret if owner is not None and owner.follows else None


def read(path: Path) -> Secrets:
    """Read a secrets file. Raises SecretsError if it is invalid, or if its permissions let other users access it."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            text = file.read()
    except OSError as error:
        raise SecretsError(f"secrets file {path}: {error.strerror}: `pricetime secret` creates one") from error
    if not stat.S_ISREG(found.st_mode):
        raise SecretsError(f"secrets file {path} is not a regular file")
    if found.st_mode & 0o077:
        mode = stat.S_IMODE(found.st_mode)
        raise SecretsError(f"secrets file {path} has mode {mode:04o}, so other users can access it: chmod 600 {path}")
    return Secrets(parse(text, path))


def parse(text: bytes, path: Path) -> dict[int, Owner]:
    """Parse the text of a secrets file. Raises SecretsError."""
    try:
        content = tomllib.loads(text.decode())
    except ValueError as error:  # invalid TOML or invalid UTF-8
        raise SecretsError(f"secrets file {path} is not TOML: {error}") from error
    owners = content.pop("owners", {})
    if content or not isinstance(owners, dict):
        raise SecretsError(f"secrets file {path}: write a table [owners.NUMBER] for each owner, and nothing else")
    return {owner.number: owner for owner in (_owner(key, entry, path) for key, entry in owners.items())}


def add(path: Path, number: int, name: str = "", *, follows: bool = False) -> Owner:
    """Add a new owner with a random secret to the file, which is created if it does not exist.

    The file is replaced atomically. Raises SecretsError.
    """
    if not 1 <= number <= MAX_OWNER:
        raise SecretsError(f"owner {number} is out of range: give a number from 1 to {MAX_OWNER}")
    if any(not character.isprintable() for character in name):
        raise SecretsError(f"name {name!r}: give only printable characters")
    with _locked(path):
        before = b""
        if path.exists():
            if number in read(path):
                raise SecretsError(
                    f"owner {number} is already in {path}: give a different number, or remove its entry first"
                )
            before = path.read_bytes()
        owner = Owner(number, name, auth.make_secret(), follows)
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        entry = f'[owners.{number}]\nname = "{quoted}"\nsecret = "{owner.secret.hex()}"\n'
        entry += "follows = true\n" if follows else ""
        _replace(path, (before.rstrip() + b"\n\n" if before.strip() else b"") + entry.encode())
    return owner


def _owner(key: str, entry: object, path: Path) -> Owner:
    where = f"secrets file {path}, owner {key}"
    if not key.isdecimal() or not 1 <= int(key) <= MAX_OWNER:
        raise SecretsError(f"{where}: give a number from 1 to {MAX_OWNER}")
    if not isinstance(entry, dict) or not entry.keys() <= {"name", "secret", "follows"}:
        raise SecretsError(f"{where}: give only name, secret and, for a follower of the journal, follows = true")
    name, digits, follows = entry.get("name", ""), entry.get("secret"), entry.get("follows", False)
    if not isinstance(follows, bool):
        raise SecretsError(f"{where}: follows is {follows!r}: give true or false")
    try:
        secret = bytes.fromhex(digits)  # type: ignore[arg-type]  # a file may hold a value of any type
    except (TypeError, ValueError):
        secret = b""
    if len(secret) < LEAST_SECRET_BYTES or not isinstance(name, str):
        raise SecretsError(f"{where}: the secret must be at least {LEAST_SECRET_BYTES} bytes in hexadecimal digits")
    return Owner(int(key), name, secret, follows)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the directory of the file, so that two commands that add owners do not overwrite each other."""
    folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _replace(path: Path, text: bytes) -> None:
    """Write a file atomically, never readable by other users."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
