"""The result of a task: one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

#: Values of a task that do not change its result: where the journal is, and which state its files have.
PLACE = frozenset({"journal", "files"})


@dataclass
class Result:
    """What a task was given and what it found. ``errors`` is empty if all is well."""

    task: dict[str, Any]  #: what it was given: kind, code version, and what it is about
    read: dict[str, Any] = field(default_factory=dict)  #: which commands it read: journal id, last sequence, last CRC
    result: dict[str, Any] | None = None  #: equal for equal tasks that read the same commands
    checked: dict[str, Any] = field(default_factory=dict)  #: of a verification: how much was checked
    errors: list[str] = field(default_factory=list)
    measured: dict[str, Any] = field(default_factory=dict)  #: time, place, and ns per command: {ns: commands}
    stored: bool = False  #: taken from the file of results, not computed now

    @property
    def input(self) -> str:
        """What determines the result, as canonical JSON."""
        return _canonical([{name: value for name, value in self.task.items() if name not in PLACE}, self.read])

    def differs_from(self, other: Result) -> bool:
        """Return whether two results of one input are both without errors, and different."""
        return not (self.errors or other.errors) and _canonical(self.result) != _canonical(other.result)

    def to_json(self) -> str:
        """Return one line of JSON."""
        values = asdict(self)
        del values["stored"]
        return json.dumps(values)

    def __str__(self) -> str:
        return _canonical(self.result)

    @classmethod
    def from_json(cls, line: str) -> Result:
        """Read a line that ``to_json`` made. Raises ValueError or TypeError for others."""
        found = cls(**json.loads(line), stored=True)
        if not isinstance(found.task, dict) or not isinstance(found.read, dict) or not isinstance(found.errors, list):
            raise TypeError("a field has the wrong type")
        return found


class Incident(NamedTuple):
    """Two different results for one input. One of them is wrong: a machine has a fault, or the code is not a pure
    function.
    """

    before: Result
    now: Result


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)
