from typing import final

from ..core.builder import BookBuilder

@final
class Receiver:
    checksum: int
    def __init__(self, fd: int, builder: BookBuilder, spins: bool = False) -> None: ...
    def receive(self, most: int, follow: bool) -> tuple[int, list[bytes]]: ...
    def applied_reports(self) -> bytes: ...
