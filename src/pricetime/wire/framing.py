"""Split a stream of bytes into messages. The first byte of a message determines its size."""

from __future__ import annotations

from .messages import SIZES
from .types import SessionReason


class Frames:
    """A stream of bytes, split into messages.

    The frames are the same however the bytes arrive. Between two calls at most one incomplete frame is kept, less than
    56 bytes. A first byte with an unknown type ends the stream, because the start of the next frame is unknown:
    ``reason`` is then UNKNOWN_TYPE, and ``receive`` returns no more frames.
    """

    __slots__ = ("_begun", "reason", "unknown")

    def __init__(self) -> None:
        self._begun = b""
        self.reason = SessionReason.NO_REASON  #: why the stream ended, NO_REASON if it did not
        self.unknown: int | None = None  #: the first byte that ended it

    @property
    def begun(self) -> int | None:
        """Type of the incomplete frame, None without one."""
        return self._begun[0] if self._begun else None

    def receive(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """Return the frames that are complete with these bytes. O(bytes)."""
        if self.reason:
            return []
        stream = self._begun + bytes(data)
        frames = []
        at, end = 0, len(stream)
        while at < end:
            size = SIZES[stream[at]]
            if size == 0:
                self.reason, self.unknown = SessionReason.UNKNOWN_TYPE, stream[at]
                at = end
            elif size > end - at:
                break
            else:
                frames.append(stream[at : at + size])
                at += size
        self._begun = stream[at:]
        return frames
