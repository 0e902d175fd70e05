"""A node ends at a signal, whatever it does at that moment."""

from pathlib import Path

import pytest

from benchmarks.local_cluster import LocalCluster
from pricetime.cluster.local import Place
from pricetime.exchange.settings.errors import CannotStart

pytestmark = pytest.mark.compiled

#: A node that gets the signal when it has won the election, and its exchange does not listen for signals yet.
BETWEEN = """
import os, signal
from pricetime.cluster import node

class Between(node.Node):
    def _lead(self, journal, record):
        os.kill(os.getpid(), signal.SIGTERM)
        return super()._lead(journal, record)

node.Node = Between
"""


def test_a_signal_between_two_roles(tmp_path: Path) -> None:
    cluster = LocalCluster(tmp_path, nodes=1, program=BETWEEN)
    with cluster:
        assert cluster.processes.pop(Place("a", "main")).wait(30) == 0


#: A node that gets the signal after it has compared its journal with the stream, and before it follows.
BEFORE = """
import os, signal
from pricetime.cluster import node

class Before(node.Node):
    async def _rejoin(self):
        done = await super()._rejoin()
        signal.raise_signal(signal.SIGTERM)
        return done

node.Node = Before
"""


def test_a_signal_before_it_follows(tmp_path: Path) -> None:
    with (
        pytest.raises(CannotStart, match="node a ended with exit code 0"),
        LocalCluster(tmp_path, nodes=1, program=BEFORE),
    ):
        pass
