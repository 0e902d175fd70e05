"""Snapshots in the object store of a cluster: a node that is far behind begins with the newest of them."""

from __future__ import annotations

import struct

from nats.js.client import JetStreamContext
from nats.js.errors import BucketNotFoundError, NotFoundError, ObjectNotFoundError
from nats.js.object_store import ObjectStore

from ..log.configuration import Configuration
from ..log.directory import Directory
from ..log.snapshot import SnapshotFile, decode

_LENGTH = struct.Struct("<Q")

#: How many are kept: two, because one may be damaged.
KEPT = 2


class SnapshotStore:
    """The snapshots of one partition. An object has the configuration as JSON, after its length, and the file."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    @classmethod
    async def open(cls, jetstream: JetStreamContext, cluster: str, partition: str, replicas: int) -> SnapshotStore:
        """Open the bucket of a partition; the first node makes it."""
        bucket = f"SNAPSHOTS-{cluster}-{partition}"
        try:
            return cls(await jetstream.object_store(bucket))
        except (BucketNotFoundError, NotFoundError):
            return cls(await jetstream.create_object_store(bucket, replicas=replicas))

    async def sequences(self) -> list[int]:
        """The last commands of the snapshots, newest first."""
        try:
            found = await self._objects.list()
        except NotFoundError:
            return []
        return sorted((int(one.name) for one in found if one.name and not one.deleted), reverse=True)

    async def put(self, directory: Directory, sequence: int, configuration: Configuration) -> None:
        """Store a snapshot of a journal, and remove those before the two newest."""
        text = configuration.to_json()
        data = bytes(directory.disk.read(directory.snapshot_path(sequence)))
        await self._objects.put(str(sequence), _LENGTH.pack(len(text)) + text + data)
        for old in (await self.sequences())[KEPT:]:
            await self._objects.delete(str(old))

    async def get(self, sequence: int) -> tuple[SnapshotFile, Configuration] | None:
        """Fetch a snapshot; None if it is gone. Raises JournalError and BadSnapshot if it is damaged."""
        try:
            data = (await self._objects.get(str(sequence))).data or b""
        except ObjectNotFoundError:
            return None
        (length,) = _LENGTH.unpack_from(data)
        end = _LENGTH.size + length
        return decode(data[end:], sequence), Configuration.from_json(data[_LENGTH.size : end])
