"""What a survey of a cluster says: leader, lag, replicas, and what is wrong."""

from typing import Any

import pytest

from pricetime.cli.cluster_status import nodes, servers
from pricetime.cli.table import console
from pricetime.cluster.survey import Server, Survey


def node(name: str, role: str = "follower", **more: Any) -> dict[str, Any]:
    return {"node": name, "partition": "main", "role": role, "term": 3, "sequence": 90, "program": "0.1.0", **more}


LEADER = node("a", "leader", sequence=100, replicated=95, unacknowledged_pages=2)
STREAM = {"cluster": {"leader": "nats-1", "replicas": [{"name": "nats-2", "current": True}]}}
UP = Server("http://1", {"server_name": "nats-1", "version": "2.15.1"}, "")


def survey(*said: dict[str, Any] | None, stream: Any = STREAM, **replica: Any) -> Survey:
    """A cluster with the nodes a, b and so on."""
    if replica:
        stream = {"cluster": {"leader": "nats-1", "replicas": [{"name": "nats-2", **replica}]}}
    known = {("main", name): one for name, one in zip("abc", said, strict=False)}
    return Survey(known, [UP], {"main": stream})


def test_a_good_cluster() -> None:
    found = survey(LEADER, node("b"))
    assert list(found.faults()) == []
    assert found.leader("main") is LEADER
    assert found.lag("main", LEADER) == 5
    assert found.lag("main", node("b")) == 10
    assert [found.replica("main", name) for name in ("nats-1", "nats-2", "nats-3", "")] == ["leader", "current", "", ""]
    assert found.json()["nodes"][1] | {"lag": 10} == {**node("b"), "lag": 10}


def test_an_old_leader_that_does_not_know_it_yet() -> None:
    assert survey(LEADER, node("b", "leader", term=4, replicated=90)).leader("main") == node(
        "b", "leader", term=4, replicated=90
    )


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (survey(node("a")), "no node leads partition main"),
        (survey(LEADER, None), "node b does not answer for partition main"),
        (survey(LEADER, stream=None), "JetStream does not answer for the stream of partition main"),
        (survey(LEADER, current=False, lag=7), "the NATS server nats-2 does not have all of the stream of"),
        (survey(LEADER, current=True, offline=True), "the NATS server nats-2 does not have all of the stream of"),
        (
            survey(LEADER)._replace(servers=[Server("http://1", None, "refused")]),
            "the NATS server at http://1 does not answer: refused",
        ),
    ],
)
def test_faults(found: Survey, fault: str) -> None:
    (said,) = found.faults()
    assert said.startswith(fault)


def test_the_tables() -> None:
    out = console()
    with out.capture() as printed:
        found = survey(LEADER, None, node("c", "starting"), current=False, lag=7)
        out.print(nodes(found), servers(found))
    text = printed.get()
    assert "does not answer" in text
    assert "2.15.1" in text
    assert "leader" in text


def test_a_node_that_has_not_followed_yet_has_no_lag() -> None:
    said = node("b", "starting")
    del said["sequence"], said["term"]
    assert survey(LEADER, said).lag("main", said) is None
