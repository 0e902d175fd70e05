"""What the cluster relies on, checked: settings of the NATS servers, and of the stream of a partition.

A server that does not sync every message can lose acknowledged commands at a power cut, so a node does not start with
one, and stops if one joins later.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from .jetstream import NAME_IN_USE, NO_STREAM, Declined, StreamMissing, ask, checked_name

if TYPE_CHECKING:
    from nats.aio.client import Client

#: The oldest version of nats-server that keeps the promise.
VERSION = 2, 15, 1

#: Most bytes of a message: a term record, and its headers.
MESSAGE_BYTES = 1 << 20

#: How long JetStream recognises a message that is sent again, in nanoseconds.
DUPLICATES_NS = 120 * 10**9

FORMAT = "1"

#: How long a server may take to answer, in seconds.
ANSWER_S = 2.0


class PromiseBroken(PricetimeError, RuntimeError):
    """With the settings of a server or a stream acknowledged commands could be lost. The text says what to change."""


class PromiseUnknown(PromiseBroken):
    """Too few servers answer to know whether the promise holds."""


class Promise:
    """Checks of all NATS servers of a cluster. ``await promise.check()`` at the start and after every reconnect.

    ``monitoring``: the address for monitoring of each server, such as ``http://10.0.0.1:8222``.
    """

    def __init__(self, monitoring: Sequence[str]) -> None:
        self.monitoring = [address.rstrip("/") for address in monitoring]
        self.checked: dict[str, str] = {}  #: address and name of each server that was checked

    @property
    def unchecked(self) -> list[str]:
        """The addresses that did not answer at the last check: check again later."""
        return [address for address in self.monitoring if address not in self.checked]

    async def check(self) -> None:
        """Check every server that answers now. Raises PromiseBroken, and PromiseUnknown without a majority."""
        answers = await asyncio.gather(*(asyncio.to_thread(said_by, address) for address in self.monitoring))
        for address, said in zip(self.monitoring, answers, strict=True):
            if isinstance(said, dict):
                self.checked[address] = check_server(address, said)
            else:
                self.checked.pop(address, None)
        if len(set(self.checked.values())) < len(self.checked):
            raise PromiseBroken(f"two monitoring addresses are of one server: {self.checked}. Give one of each server")
        if 2 * len(self.checked) <= len(self.monitoring):
            raise PromiseUnknown(
                f"{len(self.checked)} of {len(self.monitoring)} NATS servers answer at their monitoring addresses, and "
                f"a majority has to be checked. Start the others, or set http in their configuration: "
                + "; ".join(f"{address}: {said}" for address, said in zip(self.monitoring, answers, strict=True)
                            if isinstance(said, str))
            )  # fmt: skip

    async def check_replicas(self, client: Client, stream: str) -> None:
        """Check that the servers that hold a stream are among those that are checked. Raises PromiseBroken, Unknown."""
        said = (await ask(client, f"STREAM.INFO.{stream}")).get("cluster") or {}
        holding = {said.get("leader"), *(each["name"] for each in said.get("replicas") or [])} - {None, ""}
        others = holding - set(self.checked.values())
        if len(others) > len(self.unchecked):
            raise PromiseBroken(
                f"the stream {stream} is on the servers {', '.join(sorted(others))}: add their monitoring addresses to "
                "the cluster's file"
            )


def check_server(address: str, said: dict[str, Any]) -> str:
    """Check what one server says of itself and return its name. Raises PromiseBroken."""
    name = f"the NATS server {said.get('server_name')} ({address})"
    version = str(said.get("version"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < VERSION:
        oldest = ".".join(map(str, VERSION))
        raise PromiseBroken(f"{name} has version {version}: install nats-server {oldest} or newer")
    jetstream = (said.get("jetstream") or {}).get("config")
    if not jetstream:
        raise PromiseBroken(f"{name} runs without JetStream: add a block jetstream to its configuration file")
    if jetstream.get("sync_always") is not True:
        raise PromiseBroken(
            f"{name} acknowledges messages that are not on its disk: set sync_interval: always in the block jetstream "
            "of its configuration file and restart it"
        )
    return str(said["server_name"])


def stream_name(partition: str) -> str:
    """The name of a partition's stream."""
    return f"LOG-{checked_name(partition)}"


def subjects(partition: str) -> tuple[str, str]:
    """The subjects of a partition's stream: of pages, and of term records."""
    return f"LOG.{partition}", f"LOG.{partition}.term"


def stream_settings(cluster: str, partition: str, replicas: int) -> dict[str, Any]:
    """The configuration of a partition's stream, as JetStream reads it."""
    return {
        "name": stream_name(partition),
        "subjects": list(subjects(partition)),
        "storage": "file",
        "num_replicas": replicas,
        "retention": "limits",
        "discard": "new",
        "max_msgs": -1,
        "max_bytes": -1,
        "max_age": 0,
        "max_msgs_per_subject": -1,
        "max_consumers": -1,
        "max_msg_size": MESSAGE_BYTES,
        "duplicate_window": DUPLICATES_NS,
        "allow_direct": False,
        "deny_delete": True,
        "metadata": {"pricetime.cluster": cluster, "pricetime.format": FORMAT},
    }


#: Settings with which a stream is not what a log needs, if JetStream shows them at all.
_NEVER = (
    "allow_atomic", "allow_batched", "allow_msg_counter", "allow_msg_schedules", "allow_msg_ttl", "allow_rollup_hdrs",
    "mirror", "mirror_direct", "no_ack", "republish", "sealed", "sources", "subject_transform",
)  # fmt: skip


def check_stream(found: dict[str, Any], cluster: str, partition: str, replicas: int) -> None:
    """Check the configuration of a partition's stream. Raises PromiseBroken."""
    name, wanted = stream_name(partition), stream_settings(cluster, partition, replicas)
    metadata = found.get("metadata") or {}
    owner = metadata.get("pricetime.cluster")
    if owner != cluster:
        whose = f"belongs to the cluster {owner}" if owner else "was not made by pricetime"
        raise PromiseBroken(f"the stream {name} {whose}, not to the cluster {cluster}: use different names or servers")
    if (version := metadata.get("pricetime.format")) != FORMAT:
        raise PromiseBroken(f"the stream {name} has format {version}, this program writes {FORMAT}: upgrade pricetime")
    for setting, value in wanted.items():
        if setting != "metadata" and found.get(setting, False) != value:
            raise PromiseBroken(_edit(name, setting, found.get(setting), value))
    for setting in _NEVER:
        if found.get(setting):
            raise PromiseBroken(_edit(name, setting, found[setting], "nothing"))
    if found.get("persist_mode", "default") not in ("", "default"):
        raise PromiseBroken(_edit(name, "persist_mode", found["persist_mode"], "default"))


async def make_stream(client: Client, cluster: str, partition: str, replicas: int) -> None:
    """Check the stream of a partition, or make it. Raises PromiseBroken, Declined and Unknown.

    The stream's own leader answers for one that exists, so this works while the servers have no leader of them all.
    """
    try:
        await find_stream(client, cluster, partition, replicas)
        return
    except StreamMissing:
        pass
    wanted = stream_settings(cluster, partition, replicas)
    try:
        await ask(client, f"STREAM.CREATE.{wanted['name']}", wanted)
    except Declined as error:
        if error.code != NAME_IN_USE:
            raise
    await find_stream(client, cluster, partition, replicas)


async def find_stream(client: Client, cluster: str, partition: str, replicas: int) -> None:
    """Check the stream of a partition. Raises StreamMissing, PromiseBroken, Declined and Unknown."""
    name = stream_name(partition)
    try:
        said = await ask(client, f"STREAM.INFO.{name}")
    except Declined as error:
        if error.code != NO_STREAM:
            raise
        raise StreamMissing(f"the NATS servers have no stream {name}: start a node of the cluster {cluster}") from error
    check_stream(said["config"], cluster, partition, replicas)


def _edit(stream: str, setting: str, found: object, wanted: object) -> str:
    return (
        f"the stream {stream} has {setting} {found!r} instead of {wanted!r}: change it with nats stream edit {stream}"
    )


def said_by(address: str) -> dict[str, Any] | str:
    """What the server at a monitoring address says of itself, or why it does not."""
    try:
        with urllib.request.urlopen(f"{address}/varz", timeout=ANSWER_S) as answer:  # noqa: S310 - from the settings
            said: object = json.load(answer)
        return said if isinstance(said, dict) else "not a NATS server"
    except (OSError, ValueError) as error:
        return str(error)
