"""Turns a lack of memory into a message that names the setting to lower."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import CannotStart


class NoRoom(CannotStart, MemoryError):
    """The machine, or the memory limit of this process, is too small for the settings."""


@contextmanager
def room_for(*settings: str) -> Iterator[None]:
    """Wrap an allocation whose size these settings decide. Raises NoRoom if there is not enough memory."""
    try:
        yield
    except NoRoom:
        raise
    except MemoryError as error:
        raise _no_room(str(error), settings) from error
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        raise _no_room(f"cannot map a journal file into memory ({error.strerror})", settings) from error
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        raise _no_room("cannot start a thread", settings) from error


def _no_room(what: str, settings: tuple[str, ...]) -> NoRoom:
    return NoRoom(f"{what or 'not enough memory'}: lower {' or '.join(settings)}, or raise the memory limit")
