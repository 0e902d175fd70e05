"""Long journals in parts: each between two of the journal's snapshots, verified on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain

from ..log.directory import Directory
from ..log.verify import parts
from .result import Result
from .task import Task, VerifyTask

#: The fewest commands of a part: about a second of work, against which loading a snapshot is short.
LEAST = 1 << 22


def split(task: Task, least: int = LEAST) -> list[Task]:
    """Return the parts of a verification, in order; of any other task, the task itself. Raises OSError."""
    if not isinstance(task, VerifyTask):
        return [task]
    return [replace(task, part=part) for part in parts(Directory(task.journal), least)]


def joined(task: Task, results: Iterable[Result]) -> Result | None:
    """Return the result of a task from those of its parts, in order; None if a part has an error.

    A part ends with a comparison of the books with the snapshot with which the next part begins, so parts without
    errors prove the same as the whole.
    """
    first, *others = results
    if not others:
        return first
    ordered = [first, *others]
    if any(result.errors for result in ordered):
        return None
    last = ordered[-1]
    checked: dict[str, object] = {}
    for name in last.checked:
        values = [result.checked[name] for result in ordered]
        checked[name] = sorted(chain.from_iterable(values)) if isinstance(values[0], list) else sum(values)
    counts: Counter[str] = Counter()
    for result in ordered:
        counts.update(result.measured["ns_per_command"])
    seconds = round(sum(result.measured["seconds"] for result in ordered), 6)
    measured = last.measured | {"seconds": seconds, "parts": len(ordered), "ns_per_command": dict(counts)}
    return Result(task.given, last.read, last.result, checked, [], measured)
