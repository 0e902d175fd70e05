"""The results of the public benchmark: one row per scenario, and the slowest, which counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median

from .harness import SCENARIOS, Gate, Run

OURS = "pricetime"


@dataclass
class Figures:
    """Alternating runs of several engines, ours first."""

    engines: Sequence[str]
    scenarios: Sequence[str]
    runs: list[Run] = field(default_factory=list)
    audits: dict[str, Run] = field(default_factory=dict)  #: ours, by scenario
    gate: Gate | None = None

    def of(self, engine: str, scenario: str) -> list[Run]:
        return [run for run in self.runs if (run.engine, run.scenario) == (engine, scenario)]

    def rate(self, engine: str, scenario: str) -> float:
        """Return M messages/s, the median of the runs."""
        return median(run.rate for run in self.of(engine, scenario))

    def worst(self, engine: str) -> tuple[str, float]:
        """Return the scenario in which an engine is slowest, and its rate there."""
        scenario = min(self.scenarios, key=lambda scenario: self.rate(engine, scenario))
        return scenario, self.rate(engine, scenario)

    def hash_ok(self, engine: str, scenario: str) -> bool:
        return all(run.hash_ok for run in self.of(engine, scenario))

    @property
    def ok(self) -> bool:
        """Return True if all our runs are valid and all audits and the gate, if requested, passed."""
        ours = [run for run in self.runs if run.engine == OURS]
        audited = all(audit.audit == "passed" for audit in self.audits.values())
        return all(run.valid for run in ours) and audited and (self.gate is None or self.gate.ok)

    def table(self) -> str:
        """Return all results in Markdown."""
        others = [name for name in self.engines if name != OURS]
        head = ["scenario", OURS, "min to max", "hash", "audit", *others, *(f"times {name}" for name in others)]
        rows = [self._row(scenario, others) for scenario in self.scenarios]
        if set(self.scenarios) == set(SCENARIOS):
            rows.append(self._worst_row(others))
        lines = ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]
        return "\n".join(lines)

    def _row(self, scenario: str, others: Sequence[str]) -> list[str]:
        rates = [run.rate for run in self.of(OURS, scenario)]
        audit = self.audits.get(scenario)
        mine = self.rate(OURS, scenario)
        return [
            scenario,
            f"{mine:.2f}",
            f"{min(rates):.2f} to {max(rates):.2f}",
            "equal" if self.hash_ok(OURS, scenario) else "DIFFERENT",
            audit.audit if audit else "not run",
            *(f"{self.rate(name, scenario):.2f}{self._mark(name, scenario)}" for name in others),
            *(f"{mine / self.rate(name, scenario):.2f}" for name in others),
        ]

    def _mark(self, engine: str, scenario: str) -> str:
        return "" if self.hash_ok(engine, scenario) else " (hash DIFFERENT)"

    def _worst_row(self, others: Sequence[str]) -> list[str]:
        scenario, mine = self.worst(OURS)
        worst = [self.worst(name) for name in others]
        return [
            "**worst**",
            f"**{mine:.2f}** ({scenario})",
            *[""] * 3,
            *(f"**{rate:.2f}** ({scenario})" for scenario, rate in worst),
            *(f"**{mine / rate:.2f}**" for _, rate in worst),
        ]

    def as_json(self) -> dict[str, object]:
        return {"ok": self.ok, **asdict(self)}
