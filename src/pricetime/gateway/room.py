"""What a server needs its memory for: without enough, the message names the setting to lower."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import CannotStart


class NoRoom(CannotStart, MemoryError):
    """The machine, or the limit of this process, has not enough memory for the settings."""


@contextmanager
def room_for(*settings: str) -> Iterator[None]:
    """Memory is asked for here whose amount these settings decide. Raises NoRoom when there is not enough."""
    try:
        yield
    except NoRoom:
        raise
    except MemoryError as error:
        raise _no_room(str(error), settings) from error
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        raise _no_room(f"no room for a file of the journal in memory ({error.strerror})", settings) from error
    except RuntimeError as error:
        if "start new thread" not in str(error):
            raise
        raise _no_room("no room for another thread", settings) from error


def _no_room(what: str, settings: tuple[str, ...]) -> NoRoom:
    return NoRoom(f"{what or 'no memory'}: lower {' or '.join(settings)}, or let the process have more memory")
