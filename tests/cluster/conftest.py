"""Three NATS servers for all tests of a worker. Each test uses streams with names of its own."""

import itertools
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

import pricetime
from pricetime.cluster.servers import LocalServers

#: Tests that import compiled modules.
COMPILED = (
    "begin", "chaos", "checker", "following", "metrics", "operate", "partitions", "rejoin", "replicator", "restore",
    "several",
)  # fmt: skip

collect_ignore_glob = [] if pricetime.COMPILED else [f"test_{name}.py" for name in COMPILED]
if find_spec("nats") is None:
    collect_ignore_glob = ["*"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def three_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    with LocalServers(tmp_path_factory.mktemp("nats")) as servers:
        yield servers


@pytest.fixture
def servers(three_servers: LocalServers) -> Iterator[LocalServers]:
    """Three servers that run, also if the test before killed one."""
    yield three_servers
    for server in range(3):
        if three_servers.running(server):
            three_servers.resume(server)
        else:
            three_servers.start(server)
    three_servers.wait()


@pytest.fixture
def partition() -> str:
    """A name that no other test uses."""
    return f"p{next(_numbers)}"
