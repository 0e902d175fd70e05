from typing import final

@final
class MutexRing:
    capacity: int
    slot_bytes: int
    def __init__(self, capacity: int = 1024, slot_bytes: int = 64) -> None: ...
