"""Bytes in, frames out: the first byte of a message gives its size, and where it ends the next one begins."""

from __future__ import annotations

from .messages import SIZES
from .types import SessionReason


class Frames:
    """A stream of bytes, cut into messages.

    However the bytes arrive, the frames are the same. Between two calls at most one begun frame is kept, which is less
    than 56 bytes. Where no message has the type of a first byte, nobody knows where the next frame starts: ``reason``
    is then UNKNOWN_TYPE, and nothing comes any more.
    """

    __slots__ = ("_begun", "reason", "unknown")

    def __init__(self) -> None:
        self._begun = b""
        self.reason = SessionReason.NO_REASON  #: why the stream ended
        self.unknown: int | None = None  #: the type that ended it

    @property
    def begun(self) -> int | None:
        """The type of the frame whose end has not come yet."""
        return self._begun[0] if self._begun else None

    def receive(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """The frames that these bytes make whole. O(bytes)."""
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
