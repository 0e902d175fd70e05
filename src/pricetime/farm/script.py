"""A script: a Python file with a function ``run``. Its text goes to the workers with each task."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import InvalidScript


@dataclass(frozen=True)
class Script:
    """A script: where it is, and its text."""

    path: str
    text: str

    @classmethod
    def load(cls, path: Path) -> Script:
        """Read a script and load it once, so that an error in it shows now. Raises InvalidScript, OSError."""
        script = cls(str(path.resolve()), path.read_text("utf-8"))
        script.function()
        return script

    @property
    def digest(self) -> str:
        """A digest of its text. What it imports is not part of it."""
        return hashlib.blake2b(self.text.encode(), digest_size=8).hexdigest()

    def function(self) -> Callable[..., Any]:
        """Return its function ``run``. Raises InvalidScript."""
        return _loaded(self)

    def check(self, parameters: Mapping[str, object]) -> None:
        """Raise InvalidScript unless ``run`` takes these parameters by name."""
        try:
            inspect.signature(self.function()).bind(**parameters)
        except TypeError as error:
            raise InvalidScript(f"{self.path}: run cannot be called with {', '.join(parameters)}: {error}") from error

    def call(self, *arguments: object, **parameters: object) -> dict[str, Any]:
        """Call ``run`` and return its dict as JSON has it. Raises InvalidScript; whatever the script raises."""
        found = self.function()(*arguments, **parameters)
        if not isinstance(found, dict):
            raise InvalidScript(f"{self.path}: run returned {type(found).__name__}, not a dict")
        try:
            made: dict[str, Any] = json.loads(json.dumps(found, default=_plain))
        except (TypeError, ValueError) as error:
            raise InvalidScript(
                f"{self.path}: run returned what JSON cannot hold ({error}): return numbers, text, lists and dicts"
            ) from error
        return made

    def explain(self, error: BaseException) -> str:
        """Return one line about an error that the script raised, with the last line of the script on its path."""
        said = "".join(traceback.format_exception_only(error)).strip().replace("\n", " ")
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == self.path]
        return f"{said} ({self.path}, line {lines[-1]})" if lines else said


@lru_cache(8)  # a worker runs many tasks with one script
def _loaded(script: Script) -> Callable[..., Any]:
    folder = str(Path(script.path).parent)
    if folder not in sys.path:
        sys.path.append(folder)  # for modules beside it
    names: dict[str, Any] = {"__name__": "pricetime_farm_script", "__file__": script.path}
    try:
        exec(compile(script.text, script.path, "exec"), names)  # noqa: S102 - the user's own program
    except Exception as error:
        raise InvalidScript(f"{script.path} cannot be loaded: {script.explain(error)}") from error
    run = names.get("run")
    if not callable(run):
        raise InvalidScript(f"{script.path} has no function run")
    return run  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    """Convert numbers and arrays of NumPy."""
    convert = getattr(value, "tolist", None)
    if convert is None:
        raise TypeError(f"a {type(value).__name__}")
    return convert()
