"""``python -m benchmarks.public`` with a checkout whose programs are stand-ins that print what the real ones do."""

import json
import os
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks.build import NotCompiled
from benchmarks.public import __main__ as command
from benchmarks.public.figures import Figures
from benchmarks.public.harness import SCENARIOS, BenchmarkFailed, Checkout, Gate, Run

#: The rates that the stand-in gives, by engine; ``swing-40`` is a third of it.
RATES = {"pricetime": 18e6, "cpptrader": 6e6, "different": 9e6}

HARNESS = """\
#!/usr/bin/env python3
import json, os, pathlib, sys
given = dict(zip(sys.argv[1::2], sys.argv[2::2]))
name = pathlib.Path(given["--engine"]).name.removesuffix(".so").removesuffix("_adapter")
scenario, mode = given["--scenario"], given["--mode"]
with open("calls", "a") as calls:
    print(name, scenario, mode, given["--matcher-core"], given["--drainer-core"], os.environ["http_proxy"], file=calls)
if name == "crashes":
    print("ERROR: engine crashed (fatal signal)", file=sys.stderr)
    sys.exit(3)
if os.path.exists("slow-baseline") and mode == "audit":
    print("ERROR: engine run exceeded the time limit", file=sys.stderr)
    sys.exit(3)
same = name != "different"
result = {
    "engine": name, "scenario": scenario, "mode": mode,
    "throughput_msgs_per_s": RATES[name] / (3 if scenario == "swing-40" else 1) if mode == "perf" else 0,
    "correctness": {"status": "PASS" if same else "FAIL"},
    "audit": {"ran": mode == "audit", "passed": mode == "audit" and not os.path.exists("stale-book"), "note": ""},
    "verdict": "VALID" if same else "INVALID",
}
os.makedirs("results", exist_ok=True)
path = f"results/{name}_{scenario}_{mode}.json"
open(path, "w").write("{" if os.path.exists("other-version") else json.dumps(result))
print("Verdict: VALID\\n\\nResult file:", path)
"""

GATE = """\
import sys
print("=== conformance: pricetime ===")
print("  cancel_middle_then_sweep                 report=PASS  state=PASS")
print("  deep_recursive_sweep_5000                report=PASS  state=-")
print("VERDICT: pricetime: CONFORMANT (report stream on 2 cases; book state on 1)")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    for name in ("api/matching_engine_api.h", "generator", "cpptrader_adapter.so", "different.so", "crashes.so"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / "scripts").mkdir()
    (folder / "scripts" / "conformance_check.py").write_text(GATE, encoding="utf-8")
    harness = folder / "harness"
    harness.write_text(HARNESS.replace("RATES[", f"{RATES}["), encoding="utf-8")
    harness.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def our_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "library", lambda: Path("pricetime_adapter.so"))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def run(checkout: Path, *options: str) -> Result:
    return CliRunner().invoke(command.main, [str(checkout), "--output", str(checkout / "out"), *options])


def test_the_table(checkout: Path) -> None:
    ran = run(checkout, "--rounds", "2", "--against", str(checkout / "cpptrader_adapter.so"))
    assert ran.exit_code == 0, ran.output
    assert "| scenario | pricetime | min to max | hash | audit | cpptrader | times cpptrader |" in ran.stdout
    assert "| static | 18.00 | 18.00 to 18.00 | equal | passed | 6.00 | 3.00 |" in ran.stdout
    assert "| **worst** | **6.00** (swing-40) |  |  |  | **2.00** (swing-40) | **3.00** |" in ran.stdout
    assert "conformance gate: 2 of 2 cases, 1 of them with the book's state" in ran.stdout
    assert (checkout / "out" / "public.md").read_text(encoding="utf-8") == ran.stdout
    values = json.loads((checkout / "out" / "public.json").read_text(encoding="utf-8"))
    assert values["ok"]
    assert len(values["runs"]) == 2 * 2 * len(SCENARIOS)


def test_engines_take_turns_and_the_first_changes(checkout: Path) -> None:
    options = ["--rounds", "2", "--scenario", "normal", "--no-audit", "--no-gate"]
    ran = run(
        checkout,
        *options,
        "--against",
        str(checkout / "cpptrader_adapter.so"),
        "--matcher-core",
        "1",
        "--drainer-core",
        "0",
    )
    assert ran.exit_code == 0, ran.output
    calls = (checkout / "calls").read_text(encoding="utf-8").splitlines()
    assert [call.split()[0] for call in calls] == ["pricetime", "cpptrader", "cpptrader", "pricetime"]
    assert all(call.endswith("normal perf 1 0 http://127.0.0.1:9") for call in calls)
    assert "worst" not in ran.stdout  # it is of all five
    assert "conformance gate: not run" in ran.stdout


def test_another_engine_that_differs_is_marked_and_is_not_our_failure(checkout: Path) -> None:
    ran = run(checkout, "--rounds", "1", "--scenario", "normal", "--against", str(checkout / "different.so"))
    assert ran.exit_code == 0, ran.output
    assert "9.00 (hash DIFFERENT)" in ran.stdout


def test_a_book_that_differs_fails(checkout: Path) -> None:
    (checkout / "stale-book").touch()
    ran = run(checkout, "--rounds", "1", "--scenario", "normal")
    assert ran.exit_code == 1
    assert "| equal | failed |" in ran.stdout


def test_a_hash_of_ours_that_differs_fails() -> None:
    figures = Figures(["pricetime"], ["normal"], [Run("pricetime", "normal", 5.0, False, False, "not asked for")])
    assert not figures.ok
    assert "DIFFERENT" in figures.table()


def test_an_audit_that_does_not_end_is_told_and_the_rest_is_measured(checkout: Path) -> None:
    (checkout / "slow-baseline").touch()
    ran = run(checkout, "--rounds", "1", "--scenario", "static")
    assert ran.exit_code == 1
    assert "| static | 18.00 |" in ran.stdout
    assert "not finished: pricetime_adapter.so failed in static (audit): ERROR: engine run exceeded" in ran.stdout


@pytest.mark.parametrize(
    "missing", ["api/matching_engine_api.h", "harness", "generator", "scripts/conformance_check.py"]
)
def test_what_is_no_built_checkout(checkout: Path, missing: str) -> None:
    (checkout / missing).unlink()
    ran = run(checkout)
    assert ran.exit_code == 2
    assert f"error: no {missing} in" in ran.stderr
    assert "run make in the checkout" in ran.stderr or "not a checkout of" in " ".join(ran.stderr.split())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--matcher-core", "7"], "processor 7 is not available: --matcher-core and --drainer-core take two of [0, 1]"),
        (["--against", "nowhere.so"], "no nowhere.so: scripts of the checkout build"),
        (
            ["--against", "{checkout}/crashes.so"],
            "crashes.so failed in static (perf): ERROR: engine crashed",
        ),
    ],
)
def test_errors(checkout: Path, options: list[str], said: str) -> None:
    ran = run(checkout, *[option.format(checkout=checkout) for option in options])
    assert ran.exit_code == 2
    assert said in " ".join(ran.stderr.split())


def test_a_result_of_another_version(checkout: Path) -> None:
    (checkout / "other-version").touch()
    ran = run(checkout, "--no-audit")
    assert ran.exit_code == 2
    assert "a different version" in " ".join(ran.stderr.split())


def test_without_a_compiler(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> Path:
        raise NotCompiled("the C compiler failed")

    monkeypatch.setattr(command, "library", fails)
    ran = run(checkout)
    assert ran.exit_code == 2
    assert "error: the C compiler failed" in ran.stderr


def test_a_gate_that_finds_something() -> None:
    text = textwrap.dedent("""\
        === conformance: pricetime ===
          one                                      report=PASS  state=FAIL
          two                                      report=FAIL  state=-
          three                                    report=SKIP  state=-
          four                                     report=PASS  state=PASS
        VERDICT: pricetime: NON-CONFORMANT
    """)
    gate = Gate.of(text)
    assert (gate.cases, gate.passed, gate.states, gate.ok) == (4, 1, 1, False)
    assert gate.failures[0] == "one (answers: PASS, book: FAIL)"


def test_a_gate_that_cannot_run(checkout: Path) -> None:
    (checkout / "scripts" / "conformance_check.py").write_text(
        "raise SystemExit('ERROR: oracle not found')", encoding="utf-8"
    )
    with pytest.raises(BenchmarkFailed, match=r"the conformance gate did not run: ERROR: oracle not found"):
        Checkout(checkout, 0, 1).gate(Path("pricetime_adapter.so"))
    with pytest.raises(BenchmarkFailed, match="no verdict"):
        Gate.of("=== conformance: pricetime ===\n")


def test_the_harness_cannot_be_started(checkout: Path) -> None:
    (checkout / "harness").chmod(0o644)
    with pytest.raises(BenchmarkFailed, match="cannot be run in"):
        Checkout(checkout, 0, 1).run(Path("pricetime_adapter.so"), "normal", "perf")
