"""Run the programs of a built checkout of the public benchmark, and read their results."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCENARIOS = ("static", "normal", "swing-25", "swing-40", "flash-crash")

#: Files of a built checkout, and the error if one is missing.
NEEDED = {
    "api/matching_engine_api.h": "this is not a checkout of flash1-dev/matching-engine-benchmark",
    "scripts/conformance_check.py": "this is not a checkout of flash1-dev/matching-engine-benchmark",
    "harness": "the harness is not built: run make in the checkout (see its README)",
    "generator": "the generator of the workload is not built: run make in the checkout (see its README)",
}

#: Longer than the limit of the harness for a run.
RUN_SECONDS, GATE_SECONDS = 1_300, 3_600


class BenchmarkFailed(RuntimeError):
    """The public benchmark cannot run, or did not finish."""


@dataclass(frozen=True)
class Run:
    """One run of one engine through one scenario."""

    engine: str
    scenario: str
    rate: float  #: M messages/s; 0 for an audit, which is not timed
    hash_ok: bool
    valid: bool
    audit: str  #: "passed", "failed", or why there is none

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Run:
        """Read the result file of the harness."""
        audit = result["audit"]
        state = "passed" if audit["passed"] else "failed"
        return cls(
            engine=result["engine"],
            scenario=result["scenario"],
            rate=result["throughput_msgs_per_s"] / 1e6,
            hash_ok=result["correctness"]["status"] == "PASS",
            valid=result["verdict"] == "VALID",
            audit=state if audit["ran"] else audit["note"] or "not requested",
        )


@dataclass(frozen=True)
class Gate:
    """The result of the conformance gate."""

    cases: int
    passed: int
    states: int  #: cases in which the book was compared too
    failures: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return self.cases > 0 and self.passed == self.cases and not self.failures

    @classmethod
    def of(cls, text: str) -> Gate:
        """Parse the output of the gate. Raises BenchmarkFailed."""
        found = re.findall(r"^ +(\w+) +report=(\w+) +state=(\S+) *$", text, re.M)
        if not found or "VERDICT:" not in text:
            raise BenchmarkFailed(f"the conformance gate gave no verdict: {last_line(text)}")
        failures = [
            f"{case} (answers: {answers}, book: {book})" for case, answers, book in found if is_bad(answers, book)
        ]
        return cls(
            cases=len(found),
            passed=len(found) - len(failures),
            states=sum(book == "PASS" for _, _, book in found),
            failures=tuple(failures),
        )


def is_bad(answers: str, book: str) -> bool:
    """``-``: the gate does not compare the book in this case."""
    return answers != "PASS" or book not in ("PASS", "-")


@dataclass(frozen=True)
class Checkout:
    """A built checkout. Raises BenchmarkFailed if the folder is something else."""

    folder: Path
    matcher_core: int
    drainer_core: int

    def __post_init__(self) -> None:
        for name, what in NEEDED.items():
            if not (self.folder / name).is_file():
                raise BenchmarkFailed(f"no {name} in {self.folder}: {what}")

    def run(self, engine: Path, scenario: str, mode: str) -> Run:
        """Run once in a separate process, ``mode`` perf or audit. Raises BenchmarkFailed."""
        command = ["./harness", "--engine", str(engine), "--scenario", scenario, "--mode", mode]
        command += ["--matcher-core", str(self.matcher_core), "--drainer-core", str(self.drainer_core)]
        ran = self._call(command, RUN_SECONDS)
        named = re.search(r"^Result file: (\S+)$", ran.stdout, re.M)
        if named is None:
            said = last_line(ran.stderr) or last_line(ran.stdout) or f"exit status {ran.returncode}"
            raise BenchmarkFailed(f"{engine.name} failed in {scenario} ({mode}): {said}")
        try:
            return Run.of(json.loads((self.folder / named[1]).read_text(encoding="utf-8")))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BenchmarkFailed(
                f"{named[1]} has an unknown format, {error!r}: the checkout may be a different version"
            ) from error

    def gate(self, engine: Path) -> Gate:
        """Run all cases of the conformance gate. Raises BenchmarkFailed."""
        ran = self._call([sys.executable, "scripts/conformance_check.py", str(engine)], GATE_SECONDS)
        if ran.stdout.strip() or not ran.stderr.strip():
            return Gate.of(ran.stdout)
        raise BenchmarkFailed(f"the conformance gate did not run: {last_line(ran.stderr)}")

    def _call(self, command: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
        # The harness asks a cloud's address which machine this is; it runs without network access instead.
        env = {**os.environ, "http_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
        try:
            return subprocess.run(
                command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkFailed(f"{' '.join(command)} did not end within {seconds:.0f} s") from None
        except OSError as error:
            raise BenchmarkFailed(f"{command[0]} cannot be run in {self.folder}: {error}") from error


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else ""
