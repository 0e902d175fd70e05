"""The protocol between a journal and a copy of it: two frames, and bytes of files.

After the login of the wire (Challenge, Login, LoginAccepted) the copy sends one request: from where it wants the
journal. Then it receives pieces of files, each after a frame that says which file and where. Frames have 48 bytes,
little-endian. As everywhere on the wire, nothing is encrypted or signed.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

#: The most bytes of a piece.
MOST_BYTES = 1 << 20

_REQUEST = struct.Struct("<B3xIQQ24x")
_PIECE = struct.Struct("<BBHIQQQQQ")
FRAME_BYTES = _PIECE.size

REQUEST_TYPE, PIECE_TYPE = 64, 65


class PieceKind(IntEnum):
    """Which kind of file a piece is from."""

    NOTHING = 0  #: nothing new: no bytes follow
    SEGMENT = 1
    SNAPSHOT = 2
    GONE = 3  #: the requested bytes do not exist (any more): no bytes follow, and the connection ends
    FORKED = 4  #: the requested segment has a different term here: as GONE


class Request(NamedTuple):
    """From where the copy wants the journal."""

    segment: int  #: its number; 0: from the newest snapshot, or the first segment without one
    offset: int = 0  #: bytes of it that the copy has
    term: int = 0  #: of the segment in the copy

    def encode(self) -> bytes:
        """Return the bytes of the request."""
        return _REQUEST.pack(REQUEST_TYPE, self.term, self.segment, self.offset)

    @classmethod
    def decode(cls, data: bytes) -> Request:
        """Return the request in a frame. Raises ValueError if it is not one."""
        kind, term, segment, offset = _REQUEST.unpack(data)
        if kind != REQUEST_TYPE:
            raise ValueError(f"a frame of type {kind} is not a request for a journal")
        return cls(segment, offset, term)


class Piece(NamedTuple):
    """Where the bytes after this frame belong, and how far the journal is."""

    kind: PieceKind
    n_bytes: int  #: that follow
    number: int  #: of the segment, or the sequence that the snapshot is named after
    offset: int  #: bytes before them in the file
    file_bytes: int  #: of the whole file
    sequence: int  #: of the last command in the journal
    timestamp: int  #: ns since 1970, when this was sent

    def encode(self) -> bytes:
        """Return the frame."""
        return _PIECE.pack(PIECE_TYPE, self.kind, 0, *self[1:])

    @classmethod
    def decode(cls, data: bytes) -> Piece:
        """Return the piece in a frame. Raises ValueError if it is not one."""
        kind, of, _, n_bytes, *rest = _PIECE.unpack(data)
        if kind != PIECE_TYPE or n_bytes > MOST_BYTES:
            raise ValueError(f"a frame of type {kind} with {n_bytes} bytes is not a piece of a journal")
        return cls(PieceKind(of), n_bytes, *rest)
