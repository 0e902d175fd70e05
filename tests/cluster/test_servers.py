"""NATS servers on this machine: they start, keep their data, and end with their parent."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pricetime.cluster.servers import LocalServers, ServersFailed, _free_ports, program
from tests.cluster.streams import Writer, run, stream_of

#: Starts servers, writes their processes, and waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from pricetime.cluster.servers import LocalServers
with LocalServers(Path(sys.argv[1]), 1) as servers:
    print(servers.pid(0), flush=True)
    time.sleep(60)
"""


def exists(pid: int) -> bool:
    """Whether a process runs, and is not only waiting for its parent to read its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_second_start_has_the_data(tmp_path: Path) -> None:
    async def write() -> None:
        async with stream_of(servers, "p") as stream:
            writer = Writer(stream)
            await writer.lead()
            await (await writer.append())

    async def read() -> int:
        async with stream_of(servers, "p") as stream:
            return (await stream.last()).sequence

    with LocalServers(tmp_path) as servers:
        run(write())
        assert servers.leader("LOG-p") in range(3)
        assert servers.leader("LOG-q") is None
    assert not any(map(servers.running, range(3)))
    with LocalServers(tmp_path) as servers:
        assert run(read()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_they_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(parent.stdout.readline())
        assert exists(pid)
        parent.kill()
        parent.wait()
    until = time.monotonic() + 30
    while exists(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    servers = LocalServers(tmp_path, 1, settings={0: "no_such_setting: 1"})
    with pytest.raises(ServersFailed, match=r"the NATS server pricetime-1 ended with \d+: .*no_such_setting"), servers:
        pass
    assert not servers.running(0)


def test_a_port_in_use(tmp_path: Path) -> None:
    with LocalServers(tmp_path / "one", 1) as servers:
        again = LocalServers(tmp_path / "two", 1, ports=[*servers.ports, 1, 2])
        with pytest.raises(ServersFailed, match=r"ended with \d+: .*address already in use"), again:
            pass


def test_a_free_port_that_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServers(tmp_path / "one", 1) as servers:
        found = [[*servers.ports, 1, 2]]

        def free_ports(count: int) -> list[int]:
            return found.pop() if found else _free_ports(count)

        monkeypatch.setattr("pricetime.cluster.servers._free_ports", free_ports)
        with LocalServers(tmp_path / "two", 1) as others:
            assert others.running(0)
            assert others.ports != servers.ports


def test_a_server_that_was_not_started(tmp_path: Path) -> None:
    with pytest.raises(ServersFailed, match="does not run"):
        LocalServers(tmp_path).kill(0)


def test_a_suspended_server_is_ended_too(tmp_path: Path) -> None:
    with LocalServers(tmp_path, 1) as servers:
        servers.suspend(0)
        pid = servers.pid(0)
    assert not exists(pid)


def test_the_password_is_for_the_owner(tmp_path: Path) -> None:
    with LocalServers(tmp_path, 1, user="ann", password="secret"):
        file = tmp_path / "nats-1.conf"
        assert "secret" in file.read_text("utf-8")
        assert file.stat().st_mode & 0o077 == 0


def test_no_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert os.access(program(), os.X_OK)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServersFailed, match=r"no program nats-server.*pip install"):
        program()
