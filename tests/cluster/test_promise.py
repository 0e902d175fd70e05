"""Checks of the NATS servers: each setting that could lose an acknowledged command is found and named."""

from pathlib import Path
from typing import Any

import pytest

from pricetime.cluster.promise import (
    Promise,
    PromiseBroken,
    PromiseUnknown,
    check_server,
    check_stream,
    stream_settings,
)
from pricetime.cluster.servers import LocalServers
from tests.cluster.streams import run, stream_of

GOOD: dict[str, Any] = {
    "server_name": "one", "version": "2.15.1", "jetstream": {"config": {"sync_always": True}},
}  # fmt: skip


def test_three_good_servers(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        promise = Promise([f"{address}/" for address in servers.monitoring])
        await promise.check()
        assert sorted(promise.checked.values()) == servers.names
        assert promise.unchecked == []
        async with stream_of(servers, partition) as stream:
            await promise.check_replicas(stream.client, stream.name)

    run(test())


def test_a_majority_has_to_answer(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        one, two, three = servers.monitoring
        promise = Promise([one, two, "http://127.0.0.1:1"])
        await promise.check()
        assert promise.unchecked == ["http://127.0.0.1:1"]
        async with stream_of(servers, partition) as stream:
            await promise.check_replicas(stream.client, stream.name)
        with pytest.raises(PromiseUnknown, match=r"1 of 3 NATS servers answer.*127.0.0.1:1: .*refused"):
            await Promise([one, "http://127.0.0.1:1", "http://127.0.0.1:2"]).check()
        with pytest.raises(PromiseBroken, match="two monitoring addresses are of one server"):
            await Promise([one, one.replace("127.0.0.1", "localhost"), three]).check()

    run(test())


def test_a_stream_on_servers_that_are_not_named(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        promise = Promise(servers.monitoring[:2])
        await promise.check()
        async with stream_of(servers, partition) as stream:
            with pytest.raises(PromiseBroken, match="add their monitoring addresses"):
                await promise.check_replicas(stream.client, stream.name)

    run(test())


def test_a_server_that_does_not_sync(tmp_path: Path) -> None:
    async def test() -> None:
        with LocalServers(tmp_path, 3, settings={1: "sync_interval: 2m"}) as servers:
            promise = Promise(servers.monitoring)
            with pytest.raises(PromiseBroken) as raised:
                await promise.check()
            assert str(raised.value) == (
                f"the NATS server pricetime-2 ({servers.monitoring[1]}) acknowledges messages that are not on its "
                "disk: set sync_interval: always in the block jetstream of its configuration file and restart it"
            )

    run(test())


def test_what_is_not_a_nats_server() -> None:
    said = [
        (GOOD | {"version": "2.14.9"}, "has version 2.14.9: install nats-server 2.15.1 or newer"),
        (GOOD | {"version": ""}, "install nats-server 2.15.1"),
        (GOOD | {"jetstream": {}}, "runs without JetStream"),
        (GOOD | {"jetstream": {"config": {"sync_always": False}}}, "set sync_interval: always"),
        (GOOD | {"jetstream": {"config": {"store_dir": "x"}}}, "set sync_interval: always"),
    ]
    for varz, message in said:
        with pytest.raises(PromiseBroken, match=message):
            check_server("http://10.0.0.1:8222", varz)
    for version in ("2.15.1", "2.15.2-RC.1", "v2.16.0", "3.0.0"):
        assert check_server("http://10.0.0.1:8222", GOOD | {"version": version}) == "one"


def test_every_setting_of_a_stream() -> None:
    good = stream_settings("c", "p", 3)
    check_stream(good, "c", "p", 3)
    bad: list[tuple[dict[str, Any], str]] = [
        ({"metadata": {"pricetime.cluster": "x"}}, "belongs to the cluster x"),
        ({"metadata": None}, "was not made by pricetime"),
        ({"metadata": {"pricetime.cluster": "c", "pricetime.format": "2"}}, "has format 2"),
        ({"persist_mode": "async"}, "persist_mode 'async'"),
        ({"allow_atomic": True}, "allow_atomic True"),
        ({"num_replicas": 1}, "num_replicas 1 instead of 3"),
        ({"max_age": 10}, "max_age 10 instead of 0"),
        ({"subjects": ["LOG.>"]}, "subjects"),
        ({"deny_delete": False}, "deny_delete False"),
    ]
    for change, message in bad:
        with pytest.raises(PromiseBroken, match=message):
            check_stream(good | change, "c", "p", 3)
