"""What crosses the network between a journal and a copy of it: two frames, and the bytes of files as they are.

After the login of the wire (a Challenge, a Login, a LoginAccepted) the copy says once from where on it wants the
journal, and gets pieces of files from then on, each behind a frame that says which, and where they belong. Frames are
48 bytes, little-endian. What crosses is neither encrypted nor signed, as everything on the wire.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

#: Most bytes of one piece.
MOST_BYTES = 1 << 20

_REQUEST = struct.Struct("<B7xQQ24x")
_PIECE = struct.Struct("<BBHIQQQQQ")
FRAME_BYTES = _PIECE.size

REQUEST_TYPE, PIECE_TYPE = 64, 65


class PieceKind(IntEnum):
    """What a piece is of."""

    NOTHING = 0  #: nothing is new: no bytes follow
    SEGMENT = 1
    SNAPSHOT = 2
    GONE = 3  #: the place asked for is no longer there, or never was: no bytes follow, the connection ends


class Request(NamedTuple):
    """From where on the journal is wanted."""

    segment: int  #: its number; 0: from the newest snapshot, or the first segment where there is none
    offset: int = 0  #: bytes of it that are there already

    def encode(self) -> bytes:
        """Its bytes."""
        return _REQUEST.pack(REQUEST_TYPE, self.segment, self.offset)

    @classmethod
    def decode(cls, data: bytes) -> Request:
        """The request in a frame. Raises ValueError when it is none."""
        kind, segment, offset = _REQUEST.unpack(data)
        if kind != REQUEST_TYPE:
            raise ValueError(f"a frame of type {kind} is no request for a journal")
        return cls(segment, offset)


class Piece(NamedTuple):
    """Where the bytes behind this frame belong, and how far the journal is."""

    kind: PieceKind
    n_bytes: int  #: that follow
    number: int  #: of the segment, or the sequence that the snapshot is named after
    offset: int  #: bytes before them in the file
    file_bytes: int  #: of the whole file
    sequence: int  #: of the last command that the journal has
    timestamp: int  #: ns since 1970, when this was sent

    def encode(self) -> bytes:
        """The frame."""
        return _PIECE.pack(PIECE_TYPE, self.kind, 0, *self[1:])

    @classmethod
    def decode(cls, data: bytes) -> Piece:
        """The piece in a frame. Raises ValueError when it is none."""
        kind, of, _, n_bytes, *rest = _PIECE.unpack(data)
        if kind != PIECE_TYPE or n_bytes > MOST_BYTES:
            raise ValueError(f"a frame of type {kind} with {n_bytes} bytes is no piece of a journal")
        return cls(PieceKind(of), n_bytes, *rest)
