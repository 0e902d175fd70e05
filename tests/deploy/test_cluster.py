"""The files for a cluster on three machines are valid: settings, configuration of NATS, and units of systemd."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from pricetime.cluster.servers import ServersFailed, program
from pricetime.cluster.settings import load

FOLDER = Path(__file__).parents[2] / "deploy" / "cluster"


def test_the_settings_of_each_node() -> None:
    cluster = load(FOLDER / "cluster.toml")
    assert cluster.replicas == 3
    assert len(cluster.servers) == len(cluster.monitors) == len(cluster.nodes) == 3
    for node, settings in cluster.nodes.items():
        config = cluster.exchange_of(node, "main")
        assert str(config.host) == settings.host
        assert config.journal == Path("/var/lib/pricetime/main")
    assert cluster.addresses("main") == ("10.0.0.1:7001", "10.0.0.2:7001", "10.0.0.3:7001")


def test_nats_accepts_its_configuration(tmp_path: Path) -> None:
    try:
        server = program()
    except ServersFailed as error:
        pytest.skip(str(error))
    text = (FOLDER / "nats.conf").read_text("utf-8")
    assert "sync_interval: always" in text
    file = tmp_path / "nats.conf"
    file.write_text(text.replace("/var/lib/nats", str(tmp_path / "data")), "utf-8")
    done = subprocess.run([server, "-t", "-c", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is valid" in done.stdout + done.stderr


@pytest.mark.parametrize("unit", ["pricetime-nats.service", "pricetime-node@.service"])
def test_systemd_accepts_the_unit(unit: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    text = (FOLDER / unit).read_text("utf-8")
    text = text.replace("/opt/pricetime/bin/", "/bin/true ")  # it checks that the program exists
    file = tmp_path / unit.replace("@", "@a")
    file.write_text(text, "utf-8")
    done = subprocess.run([analyze, "verify", str(file)], capture_output=True, text=True, check=False)
    about = [line for line in done.stderr.splitlines() if line.startswith((str(file), file.name))]
    assert about == []
