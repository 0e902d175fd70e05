"""The lease of a partition: the key that says which node tries to lead.

It gives no right: a node leads when JetStream has stored its term record. The lease only keeps nodes from trying at the
same time, and ends by itself when its holder does.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from .jetstream import (
    NAME_IN_USE,
    NO_MESSAGE,
    NO_STREAM,
    WRONG_LAST_SEQUENCE,
    Declined,
    ask,
    checked_name,
    publish,
)

if TYPE_CHECKING:
    from nats.aio.client import Client

#: A lease ends so long after its last renewal, and its holder renews it so often, in seconds.
TTL_S, RENEW_S = 2, 0.5

#: A lease that was not renewed for so long is free, even if JetStream has not removed it, in seconds: servers that fail
#: may do so late.
STALE_S = 2.0 * TTL_S

#: How long a request may take: less than the lease lasts.
ANSWER_S = 1.0


class LeaseLost(PricetimeError, RuntimeError):
    """The lease ended, or a different node has it."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Which node has the lease."""

    node: str
    term: int  #: that it wants to begin, or has begun
    addresses: Mapping[str, str]  #: of the node: what for, ``host:port``


class Lease:
    """The lease of one partition, as one node sees it."""

    def __init__(self, client: Client, cluster: str, partition: str) -> None:
        self.client, self.cluster, self.partition = client, cluster, partition
        self._bucket = f"KV_LEASE-{checked_name(cluster)}"
        self._subject = f"$KV.LEASE-{cluster}.{checked_name(partition)}"
        self._revision = 0  #: of this node's lease; 0 without
        self._seen, self._seen_s = 0, 0.0  #: the newest revision, and when it was first seen

    @classmethod
    async def open(cls, client: Client, cluster: str, partition: str, replicas: int = 3) -> Lease:
        """Make the bucket of the cluster's leases if it does not exist. Raises Declined and Unknown."""
        bucket = f"LEASE-{cluster}"
        settings = {
            "name": f"KV_{bucket}", "subjects": [f"$KV.{bucket}.>"], "storage": "file", "num_replicas": replicas,
            "retention": "limits", "discard": "new", "max_msgs": -1, "max_bytes": -1, "max_age": 0, "max_consumers": -1,
            "max_msgs_per_subject": 1, "max_msg_size": -1, "duplicate_window": 120 * 10**9, "allow_direct": False,
            "allow_rollup_hdrs": True, "deny_delete": True, "allow_msg_ttl": True,
        }  # fmt: skip
        for request, values in (("INFO", None), ("CREATE", settings)):  # INFO: the bucket's own leader answers
            try:
                await ask(client, f"STREAM.{request}.KV_{bucket}", values)
                break
            except Declined as error:
                if error.code not in (NO_STREAM, NAME_IN_USE):
                    raise
        return cls(client, cluster, partition)

    @property
    def held(self) -> bool:
        """Whether this node acquired it, and has not released or lost it since."""
        return self._revision > 0

    @property
    def revision(self) -> int:
        """Of this node's lease; 0 without."""
        return self._revision

    def adopt(self, revision: int) -> None:
        """Continue with the lease that this node has acquired over a different connection."""
        self._revision = revision

    async def acquire(self, holder: Holder) -> bool:
        """Take the lease if it is free. Returns whether this node has it now. Raises Declined and Unknown."""
        _, revision, free = await self._read()
        if not free:
            return False
        try:
            self._revision = await self._write(holder, revision)
        except Declined as error:
            if error.code not in WRONG_LAST_SEQUENCE:
                raise
            return False
        return True

    async def renew(self, holder: Holder) -> None:
        """Make the lease last ``TTL_S`` from now on. Raises LeaseLost, Declined and Unknown.

        After Unknown try again: a renewal whose answer was lost counts.
        """
        if not self.held:
            raise LeaseLost(f"this node does not have the lease of {self.partition}")
        try:
            self._revision = await self._write(holder, self._revision)
        except Declined as error:
            if error.code not in WRONG_LAST_SEQUENCE:
                raise
            found, revision, _ = await self._read()
            if found is None or found.node != holder.node:
                self._revision = 0
                raise LeaseLost(f"the lease of {self.partition} ended, or a different node has it") from error
            self._revision = revision

    async def release(self) -> None:
        """Give the lease back, if this node still has it. Raises Declined and Unknown."""
        revision, self._revision = self._revision, 0
        if not revision:
            return
        headers = {"KV-Operation": "DEL", "Nats-Expected-Last-Subject-Sequence": str(revision)}
        try:
            await publish(self.client, self._subject, b"", headers, ANSWER_S)
        except Declined as error:
            if error.code not in WRONG_LAST_SEQUENCE:
                raise

    async def holder(self) -> Holder | None:
        """Which node has the lease; None if it is free. Raises Declined and Unknown."""
        found, _, free = await self._read()
        return None if free else found

    async def _read(self) -> tuple[Holder | None, int, bool]:
        """The holder, the revision to write after, and whether the lease is free."""
        try:
            said = await ask(self.client, f"STREAM.MSG.GET.{self._bucket}", {"last_by_subj": self._subject}, ANSWER_S)
        except Declined as error:
            if error.code != NO_MESSAGE:
                raise
            return None, 0, True
        message: dict[str, Any] = said["message"]
        data, revision = base64.b64decode(message.get("data", "")), int(message["seq"])
        if not data:  # a mark that it was released
            return None, revision, True
        values = json.loads(data)
        if revision != self._seen:
            self._seen, self._seen_s = revision, time.monotonic()
        stale = time.monotonic() - self._seen_s > STALE_S
        return Holder(values["node"], values["term"], values["addresses"]), revision, stale

    async def _write(self, holder: Holder, revision: int) -> int:
        values = {"addresses": dict(holder.addresses), "node": holder.node, "term": holder.term}
        data = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        headers = {"Nats-TTL": f"{TTL_S}s", "Nats-Expected-Last-Subject-Sequence": str(revision)}
        return await publish(self.client, self._subject, data, headers, ANSWER_S)
