"""The lease on three real servers: one holder, renewal, expiry, release."""

import asyncio
import time

import pytest

from pricetime.cluster import lease
from pricetime.cluster.connection import connected
from pricetime.cluster.jetstream import Unknown
from pricetime.cluster.lease import TTL_S, Holder, LeaseLost
from pricetime.cluster.servers import LocalServers
from tests.cluster.streams import lease_of, run

A, B = Holder("a", 1, {"orders": "127.0.0.1:1"}), Holder("b", 2, {})


def test_one_node_has_it(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with connected(servers.urls) as first, connected(servers.urls) as second:
            one = await lease_of(first, partition)
            two = await lease_of(second, partition)
            assert await one.holder() is None
            assert await one.acquire(A)
            assert not await two.acquire(B)
            assert (one.held, two.held) == (True, False)
            assert await two.holder() == A
            await one.renew(A)
            with pytest.raises(LeaseLost):
                await two.renew(B)
            await one.release()
            await one.release()
            assert await two.holder() is None
            assert await two.acquire(B)
            with pytest.raises(LeaseLost):
                await one.renew(A)
            assert await one.holder() == B
            other = await lease_of(first, f"{partition}-other")
            assert await other.acquire(A)

    run(test())


def test_two_that_find_it_free(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with connected(servers.urls) as client:
            leases = [await lease_of(client, partition) for _ in range(5)]
            got = await asyncio.gather(*(lease.acquire(A) for lease in leases))
            assert sum(got) == 1

    run(test())


def test_it_ends_without_renewal(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with connected(servers.urls) as client:
            one = await lease_of(client, partition)
            two = await lease_of(client, partition)
            began = time.monotonic()
            assert await one.acquire(A)
            for _ in range(4):
                await asyncio.sleep(0.5)
                await one.renew(A)
            assert not await two.acquire(B)
            while not await two.acquire(B):
                await asyncio.sleep(0.1)
            assert time.monotonic() - began > TTL_S + 1.5
            with pytest.raises(LeaseLost):
                await one.renew(A)
            assert not one.held
            await one.release()
            assert await one.holder() == B

    run(test())


def test_a_lease_that_jetstream_does_not_remove(
    servers: LocalServers, partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers that fail may remove it late. A node that has seen no renewal for long takes it."""
    monkeypatch.setattr(lease, "STALE_S", 0.5)

    async def test() -> None:
        async with connected(servers.urls) as client:
            one, two = await lease_of(client, partition), await lease_of(client, partition)
            monkeypatch.setattr(lease, "TTL_S", 60)
            assert await one.acquire(A)
            began = time.monotonic()
            while not await two.acquire(B):
                assert time.monotonic() - began < 10
                if time.monotonic() - began < 1:
                    await one.renew(A)
                await asyncio.sleep(0.1)
            assert time.monotonic() - began > 1, "it was renewed until then"
            assert await one.holder() == B
            with pytest.raises(LeaseLost):
                await one.renew(A)

    run(test())


def test_a_renewal_whose_answer_was_lost(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with connected(servers.urls) as client:
            lease = await lease_of(client, partition)
            assert await lease.acquire(A)
            before = lease._revision
            await lease.renew(A)
            lease._revision = before
            await lease.renew(A)
            await lease.renew(A)
            assert await lease.holder() == A

    run(test())


def test_no_answer(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with connected(servers.urls) as client:
            lease = await lease_of(client, partition)
            assert await lease.acquire(A)
            await client.close()
            with pytest.raises(Unknown):
                await lease.renew(A)
            assert lease.held  # it may be: the next renewal tells

    run(test())
