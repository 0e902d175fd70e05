"""The sources of two revisions are copied into separate folders, and each runs in its own processes."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import pricetime
from benchmarks import revisions
from benchmarks.compare import make_flows
from benchmarks.revisions import CannotRun, Revision, Runner, build_base, build_current, install


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository with two commits, and a work tree that differs from both."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.setattr(revisions, "REPOSITORY", folder)

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)

    def write(name: str, text: str) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")

    git("init", "--quiet")
    write(".gitignore", "*.so\n")
    write("kept.py", "1\n")
    write("src/gone.py", "1\n")
    git("add", ".")
    git("commit", "--quiet", "-m", "one")
    git("tag", "v1")
    write("kept.py", "2\n")
    git("commit", "--quiet", "--all", "-m", "two")
    write("kept.py", "3\n")
    write("src/added.py", "3\n")
    write("src/book.so", "old binary\n")
    (folder / "src/gone.py").unlink()
    return folder


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, str]]:
    """The sources that were given to be installed, by the name of the revision."""
    seen: dict[str, dict[str, str]] = {}

    def record(name: str, sources: Path, folder: Path) -> Revision:
        files = (path for path in sources.rglob("*") if path.is_file())
        seen[name] = {path.relative_to(sources).as_posix(): path.read_text(encoding="utf-8") for path in files}
        return Revision(name, folder, folder)

    monkeypatch.setattr(revisions, "install", record)
    return seen


def test_base_is_the_commit_and_nothing_else(
    repository: Path, installed: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    before = subprocess.run(["git", "-C", str(repository), "status"], capture_output=True, check=True).stdout
    assert build_base("v1", tmp_path).folder == tmp_path / "base"
    (name,) = installed
    assert name.startswith("v1 (")
    assert installed[name] == {".gitignore": "*.so\n", "kept.py": "1\n", "src/gone.py": "1\n"}
    assert subprocess.run(["git", "-C", str(repository), "status"], capture_output=True, check=True).stdout == before


@pytest.mark.usefixtures("repository")
def test_current_is_the_work_tree_as_it_stands(installed: dict[str, dict[str, str]], tmp_path: Path) -> None:
    build_current(tmp_path)
    assert installed["work tree"] == {".gitignore": "*.so\n", "kept.py": "3\n", "src/added.py": "3\n"}


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("name", ["v2", "--all", ""])
def test_what_is_no_revision_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="is not a revision"):
        build_base(name, tmp_path)


def test_a_failed_build_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'nothing'\n", encoding="utf-8")  # and no version
    with pytest.raises(CannotRun, match="v1 does not build") as caught:
        install("v1", tmp_path, tmp_path / "made")
    assert len(str(caught.value).splitlines()) <= revisions.TAIL + 1


HERE = Path(pricetime.__file__).parents[1]


@pytest.mark.compiled
def test_a_revision_makes_its_flows_and_measures_them(tmp_path: Path) -> None:
    pair = [Revision(name, HERE, tmp_path / name) for name in ("one", "other")]
    assert make_flows(pair, ["matches", "cancels"], 1_000) == ["matches", "cancels"]
    with Runner(pair[0]) as runner:
        assert runner.ask("matches")["matches"] > 0
        assert set(runner.ask("calls")) == {"add_order", "cancel_order"}


def test_a_flow_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="makes no flows"):
        Revision("one", HERE, tmp_path / "missing" / "folder").make_flows(["cancels"], 1_000)


def test_the_pricetime_that_is_measured_is_the_one_that_was_built(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "pricetime").mkdir(parents=True)
    (elsewhere / "pricetime" / "__init__.py").write_text("raise RuntimeError('half built')\n", encoding="utf-8")
    with pytest.raises(CannotRun, match="half built"), Runner(Revision("broken", elsewhere, tmp_path)):
        pass
    missing = Path(f"{tmp_path / 'missing'}{os.pathsep}{HERE}")  # nothing is there, and an installed one is found
    with pytest.raises(CannotRun, match="should be measured"), Runner(Revision("missing", missing, tmp_path)):
        pass
