"""The tasks of the farm. Each is a pure function of what it was given, and runs on any worker, any number of times."""

from __future__ import annotations

import os
import platform
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import PricetimeError
from ..log.directory import Directory
from ..log.verify import WHOLE, Part, verify
from .counts import counts_of
from .grid import Value
from .journal_replay import JournalReplay
from .journals import end_of, fingerprint, size
from .result import Result
from .script import Script
from .version import code_version


@dataclass(frozen=True)
class Task:
    """Base of the tasks. ``code``: the code version of the process that made it."""

    kind: ClassVar[str]

    code: str

    @property
    def given(self) -> dict[str, Any]:
        """What it was given, as JSON has it."""
        return {"kind": self.kind, "code": self.code}

    @property
    def size(self) -> int:
        """About how much work it is; larger tasks begin first."""
        return 0

    def perform(self) -> Result:
        """Return the result. Errors are part of it, so that one task never ends the others."""
        result = Result(self.given)
        began = time.perf_counter()
        try:
            if (here := code_version()) != self.code:
                result.errors.append(
                    f"{platform.node()} has pricetime {here}, but the task is for {self.code}: install the same "
                    "version on every machine"
                )
            else:
                self._fill(result)
        except (PricetimeError, OSError) as error:
            result.errors.append(str(error))
        except (Exception, SystemExit) as error:
            result.errors.append(self._explain(error))
        result.measured |= {
            "seconds": round(time.perf_counter() - began, 6),
            "host": platform.node(),
            "pid": os.getpid(),
        }
        return result

    def _fill(self, result: Result) -> None:
        raise NotImplementedError

    def _explain(self, error: BaseException) -> str:
        """Return one line about an error that is not one of pricetime or of a file."""
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({last.filename}, line {last.lineno})"


@dataclass(frozen=True)
class JournalTask(Task):
    """A task about a journal. ``files``: the fingerprint of its files when the task was made."""

    journal: Path
    files: str
    bytes: int

    @property
    def given(self) -> dict[str, Any]:
        return super().given | {"journal": str(self.journal), "files": self.files}

    @property
    def size(self) -> int:
        return self.bytes

    def _directory(self) -> Directory:
        """Return the journal. Raises FileNotFoundError if this machine does not have it."""
        if not self.journal.is_dir():
            raise FileNotFoundError(
                f"{platform.node()} does not find {self.journal}: the journals must be on a file system that all "
                "machines reach, under the same path"
            )
        return Directory(self.journal)


@dataclass(frozen=True)
class VerifyTask(JournalTask):
    """Verifies a journal, or a part of it, as ``pricetime journal verify`` does."""

    kind = "verify"

    part: Part = WHOLE

    @property
    def size(self) -> int:
        whole = super().size
        if self.part.upto is None:
            return whole
        return min(whole, 64 * (self.part.upto - (self.part.after or 0)))

    def _fill(self, result: Result) -> None:
        directory = self._directory()
        batches: list[tuple[int, int]] = []
        found = verify(directory, self.part, executed=lambda commands, ns: batches.append((commands, ns)))
        if found.position is not None:
            result.read = end_of(directory, found.position)
        result.checked = {
            "commands": found.records, "replayed": found.replayed, "checkpoints": found.checkpoints,
            "snapshots": sorted(found.snapshots), "compared": sorted(found.compared),
        }  # fmt: skip
        if found.digest is not None:
            result.result = {
                "digest": f"{found.digest:016x}", "reports": found.reports,
                "report_checksum": f"{found.report_checksum:08x}",
            }  # fmt: skip
        result.errors += found.faults
        result.measured["ns_per_command"] = counts_of(batches)


@dataclass(frozen=True)
class RunTask(JournalTask):
    """Runs a script over a journal."""

    kind = "run"

    script: Script

    @property
    def given(self) -> dict[str, Any]:
        return super().given | {"script": self.script.digest}

    def _fill(self, result: Result) -> None:
        replay = JournalReplay(self._directory().path)
        result.result = self.script.call(replay)
        result.read = replay.end

    def _explain(self, error: BaseException) -> str:
        return self.script.explain(error)


@dataclass(frozen=True)
class SweepTask(Task):
    """Runs a script with parameters."""

    kind = "sweep"

    script: Script
    parameters: Mapping[str, Value]

    @property
    def given(self) -> dict[str, Any]:
        return super().given | {"script": self.script.digest, "parameters": dict(self.parameters)}

    def _fill(self, result: Result) -> None:
        result.result = self.script.call(**self.parameters)

    def _explain(self, error: BaseException) -> str:
        return self.script.explain(error)


def verify_tasks(journals: Iterable[Path]) -> list[VerifyTask]:
    """Return a task for each journal that verifies it. Raises OSError."""
    code = code_version()
    return [VerifyTask(code, journal, fingerprint(journal), size(journal)) for journal in journals]


def run_tasks(script: Script, journals: Iterable[Path]) -> list[RunTask]:
    """Return a task for each journal: the script's ``run(replay)`` with a ``JournalReplay`` of it. Raises OSError."""
    code = code_version()
    return [RunTask(code, journal, fingerprint(journal), size(journal), script) for journal in journals]


def sweep_tasks(script: Script, grid: Iterable[Mapping[str, Value]]) -> list[SweepTask]:
    """Return a task for each combination of parameters that calls the script's ``run(**parameters)``.

    Raises InvalidScript if ``run`` does not take them.
    """
    code = code_version()
    tasks = [SweepTask(code, script, parameters) for parameters in grid]
    for task in tasks[:1]:  # all have the same names
        script.check(task.parameters)
    return tasks
