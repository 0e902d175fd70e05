from typing import Any, Literal, SupportsIndex, final

@final
class Idle:
    @property
    def until(self) -> str: ...
    @property
    def spins(self) -> int: ...
    @property
    def pauses(self) -> int: ...
    @property
    def yields(self) -> int: ...
    def __init__(
        self,
        until: Literal["spin", "pause", "yield", "block"] = ...,
        *,
        spins: SupportsIndex = ...,
        pauses: SupportsIndex = ...,
        yields: SupportsIndex = ...,
    ) -> None: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
