"""A file of results: one line of JSON for each. It only grows."""

from __future__ import annotations

import json
from pathlib import Path

from .errors import InvalidResults
from .result import Result


class Store:
    """The results in the file ``path``, which may not exist yet. Each new one is appended at once.

    An incomplete last line, as a killed process leaves it, is cut. Raises InvalidResults with the number of any other
    line that is not a result, OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results: list[Result] = []
        data = path.read_bytes() if path.exists() else b""
        whole = data.rpartition(b"\n")[0]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                self.results.append(Result.from_json(line.decode()))
            except (ValueError, TypeError) as error:
                raise InvalidResults(
                    f"line {number} of {path} is not a result of the farm ({error}): give a different file"
                ) from error
        with path.open("ab") as file:  # raises now if the file cannot be written
            file.truncate(len(whole) + 1 if whole else 0)

    def add(self, result: Result) -> None:
        """Append a result. Raises OSError."""
        self.results.append(result)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(result.to_json() + "\n")

    def done(self) -> dict[str, Result]:
        """Return the newest result of each task that ended without errors, by the task as JSON."""
        return {key_of(result.task): result for result in self.results if not result.errors}


def key_of(task: dict[str, object]) -> str:
    """Return what a task was given, as canonical JSON."""
    return json.dumps(task, sort_keys=True)
