import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.compiled

#: In a mount namespace of its own, where any user may mount a disk.
MOUNT = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" -m tests.crash.full_disk "$1" "$3"'

ROOT = Path(__file__).parents[2]


def unshared(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["unshare", "-rm", *command], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("level", ["memory", "durable"])
def test_on_a_full_disk_every_acknowledged_command_survives(level: str, tmp_path: Path) -> None:
    probe = ("sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$1"', "sh", str(tmp_path))
    if not shutil.which("unshare") or unshared(*probe).returncode:
        pytest.skip("a user may not mount a disk here: unshare -rm, mount -t tmpfs")
    ran = unshared("sh", "-c", MOUNT, "sh", str(tmp_path), sys.executable, level)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert int(ran.stdout.split()[0]) > 1_000
