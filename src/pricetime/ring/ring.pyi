from collections.abc import Iterable
from typing import Any, SupportsIndex, final

from _typeshed import WriteableBuffer
from numpy.typing import DTypeLike, NDArray

from .idle import Idle

@final
class Ring:
    @property
    def capacity(self) -> int:
        """Slots, a power of two."""
    @property
    def slot_bytes(self) -> int:
        """Bytes of one slot; a message has at most 4 less."""
    @property
    def blocking(self) -> bool:
        """May a side that waits sleep, and is it woken? Each commit and release then costs a fence."""
    @property
    def idle(self) -> Idle:
        """How calls from Python wait at this end of the ring."""
    @property
    def closed(self) -> bool:
        """Nothing more will be put; what is in the ring can still be got. O(1)."""
    def __init__(
        self,
        capacity: SupportsIndex = ...,
        slot_bytes: SupportsIndex = ...,
        *,
        blocking: bool = True,
        idle: Idle | None = None,
    ) -> None: ...
    @staticmethod
    def create(
        buffer: WriteableBuffer,
        capacity: SupportsIndex = ...,
        slot_bytes: SupportsIndex = ...,
        *,
        blocking: bool = True,
        idle: Idle | None = None,
    ) -> Ring: ...
    @staticmethod
    def attach(buffer: WriteableBuffer, *, idle: Idle | None = None) -> Ring: ...
    @staticmethod
    def size(capacity: SupportsIndex = ..., slot_bytes: SupportsIndex = ...) -> int: ...
    def try_put(self, message: bytes | bytearray | memoryview) -> bool: ...
    def put(self, message: bytes | bytearray | memoryview, timeout: float | None = None) -> None: ...
    def put_many(self, messages: Iterable[bytes | bytearray | memoryview], timeout: float | None = None) -> int: ...
    def put_records(self, records: NDArray[Any], timeout: float | None = None) -> int: ...
    def try_get(self) -> bytes | None: ...
    def get(self, timeout: float | None = None) -> bytes: ...
    def get_many(self, limit: SupportsIndex, timeout: float | None = None) -> list[bytes]: ...
    def get_records(self, dtype: DTypeLike, limit: SupportsIndex, timeout: float | None = None) -> NDArray[Any]: ...
    def close(self) -> None: ...
    def check(self) -> None:
        """Check all invariants; AssertionError names the broken one. No thread may use the ring meanwhile."""
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __iter__(self) -> Ring: ...
    def __next__(self) -> bytes: ...
