"""The workflows of GitHub parse, cover every Python that pricetime supports, and publish without a password."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml", reason="needs PyYAML: make build")

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / ".github" / "workflows"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CLASSIFIERS = PROJECT["project"]["classifiers"]
PYTHONS = [found[1] for line in CLASSIFIERS if (found := re.search(r":: Python :: (3\.\d+)$", line))]

if not FOLDER.is_dir():
    pytest.skip("not a git checkout", allow_module_level=True)


def jobs(name: str) -> dict[str, Any]:
    workflow = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = workflow["jobs"]
    return found


def commands(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def actions(job: dict[str, Any]) -> list[str]:
    return [step["uses"] for step in job["steps"] if "uses" in step]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.iterdir()))
def test_every_job_has_a_time_limit_and_pinned_actions(name: str) -> None:
    workflow = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        assert all(re.search(r"@(?:v\d|release/v\d)", action) for action in actions(job))
        assert set(job.get("needs", [])) <= set(workflow["jobs"])


def test_every_supported_python_is_tested() -> None:
    assert jobs("test")["test"]["strategy"]["matrix"]["python"] == PYTHONS
    assert PROJECT["project"]["requires-python"] == f">={PYTHONS[0]}"


def test_the_checks_of_a_change_and_the_documents_run() -> None:
    assert ".ci/run" in commands(jobs("test")["ci"])
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
    assert "make docs" in commands(jobs("test")["docs"])


def test_wheels_are_built_for_every_supported_python_and_machine() -> None:
    built = {name.removeprefix("cp3").removesuffix("-*") for name in PROJECT["tool"]["cibuildwheel"]["build"]}
    assert built - {"14t"} == {python.removeprefix("3.") for python in PYTHONS}
    runners = jobs("release")["wheels"]["strategy"]["matrix"]["runner"]
    assert {re.sub(r"-[\d.]+", "", runner) for runner in runners} == {"ubuntu", "ubuntu-arm", "macos", "macos-intel"}


def test_a_tag_publishes_with_the_identity_of_the_workflow() -> None:
    publish = jobs("release")["publish"]
    assert "ref_type == 'tag'" in publish["if"]
    assert publish["needs"] == ["wheels", "sdist"]
    assert publish["environment"] == "pypi"
    assert publish["permissions"] == {"id-token": "write"}
    (upload,) = [step for step in publish["steps"] if step["uses"].startswith("pypa/gh-action-pypi-publish@")]
    assert upload["with"] == {"attestations": True}
