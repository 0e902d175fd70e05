from typing import Any, Literal, SupportsIndex, final

@final
class Idle:
    @property
    def until(self) -> str:
        """The last stage, which goes on for ever: spin, pause, yield or block."""
    @property
    def spins(self) -> int:
        """Tries that look again at once."""
    @property
    def pauses(self) -> int:
        """Tries with the processor's pause instruction, after those."""
    @property
    def yields(self) -> int:
        """Tries that let other threads have the processor, after those."""
    def __init__(
        self,
        until: Literal["spin", "pause", "yield", "block"] = ...,
        *,
        spins: SupportsIndex = ...,
        pauses: SupportsIndex = ...,
        yields: SupportsIndex = ...,
    ) -> None: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
