"""The source distribution contains everything that its tests need: they pass from it as they do from the repository."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.checkout import copy_checkout, tracked_files

ROOT = Path(__file__).parents[1]

#: Files that only the repository needs.
NOT_SHIPPED = (".ci/", ".gitignore")

BUILD = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources in a distribution that was built from the tracked files alone, without network access."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("sdist")
    copy_checkout(folder / "repository")
    command = [sys.executable, "-c", BUILD, str(folder)]
    environment = os.environ | {"PRICETIME_BUILD": "pure"}
    made = subprocess.run(
        command, cwd=folder / "repository", env=environment, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder / "unpacked", filter="data")
    (root,) = (folder / "unpacked").iterdir()
    return root


def test_it_has_every_file_of_the_repository(unpacked: Path) -> None:
    found = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    wanted = {name for name in tracked_files() if not name.startswith(NOT_SHIPPED)}
    assert wanted - found == set()
    more = {name for name in found - wanted if ".egg-info/" not in name}
    assert more == {"PKG-INFO", "setup.cfg"}


def test_its_tests_pass(unpacked: Path) -> None:
    environment = os.environ | {"PRICETIME_PURE": "1", "PYTHONPATH": str(unpacked / "src")}
    some = "tests/test_errors.py", "tests/docs/test_links.py", "tests/tools", "tests/log/test_formats.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *some]
    ran = subprocess.run(command, cwd=unpacked, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-4000:]


def test_a_checkout_may_be_read_only() -> None:
    """Pytest cannot write its cache, and the tests pass."""
    command = [sys.executable, "-m", "pytest", "-q", "-o", "cache_dir=/proc/none", "tests/test_errors.py"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
