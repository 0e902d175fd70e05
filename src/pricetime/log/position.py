"""A position in a journal, between two records."""

from __future__ import annotations

from typing import NamedTuple


class Position(NamedTuple):
    """The position after the record with the CRC ``link``. The next record begins here, at the next page, or in the
    next segment.
    """

    segment: int  #: its number
    offset: int  #: bytes from the beginning of the file
    link: int  #: CRC of the last record, which the next one covers
    sequence: int  #: of the last command
