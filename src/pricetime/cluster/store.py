"""Snapshots in the object store of a cluster: a node that is far behind begins with the newest of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ..extras import require
from ..log.configuration import Configuration
from ..log.directory import Directory
from ..log.snapshot import SnapshotFile, decode
from .jetstream import Unknown

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js.object_store import ObjectStore

_LENGTH = struct.Struct("<Q")

#: How many are kept: two, because one may be damaged.
KEPT = 2

#: How long a request may take, in seconds.
ANSWER_S = 10.0


class SnapshotStore:
    """The snapshots of one partition. An object has the configuration as JSON, after its length, and the file."""

    def __init__(self, client: Client, cluster: str, partition: str, replicas: int = 3) -> None:
        self._client, self._bucket, self._replicas = client, f"SNAPSHOTS-{cluster}-{partition}", replicas
        self._opened: ObjectStore | None = None
        self._errors: Any = require("nats.errors", "cluster", "pricetime cluster")
        self._missing: Any = require("nats.js.errors", "cluster", "pricetime cluster").NotFoundError

    async def open(self) -> ObjectStore:
        """Return the bucket of the partition; the first node that needs it makes it. Raises Unknown."""
        if self._opened is None:
            errors = require("nats.js.errors", "cluster", "pricetime cluster")
            api: Any = require("nats.js.api", "cluster", "pricetime cluster")
            jetstream = self._client.jetstream(timeout=ANSWER_S)
            try:
                try:
                    self._opened = await jetstream.object_store(self._bucket)
                except errors.NotFoundError:
                    config = api.ObjectStoreConfig(replicas=self._replicas)
                    self._opened = await jetstream.create_object_store(self._bucket, config)
            except (TimeoutError, errors.Error) as error:
                raise Unknown(f"the object store {self._bucket} cannot be opened: {error}") from error
        return self._opened

    async def sequences(self) -> list[int]:
        """The last commands of the snapshots, newest first. Raises Unknown."""
        try:
            found = await (await self.open()).list()
        except self._missing:
            return []
        except (TimeoutError, self._errors.Error) as error:
            raise Unknown(f"the snapshots cannot be listed: {error}") from error
        return sorted((int(one.name) for one in found if one.name and not one.deleted), reverse=True)

    async def put(self, directory: Directory, sequence: int, configuration: Configuration) -> None:
        """Store a snapshot of a journal, and remove those before the two newest. Raises Unknown and OSError."""
        text = configuration.to_json()
        data = bytes(directory.disk.read(directory.snapshot_path(sequence)))
        try:
            objects = await self.open()
            await objects.put(str(sequence), _LENGTH.pack(len(text)) + text + data)
            for old in (await self.sequences())[KEPT:]:
                await objects.delete(str(old))
        except (TimeoutError, self._errors.Error) as error:
            raise Unknown(f"snapshot {sequence} cannot be stored: {error}") from error

    async def remove_after(self, sequence: int) -> None:
        """Remove snapshots of commands after this one. Raises Unknown."""
        try:
            objects = await self.open()
            for later in await self.sequences():
                if later > sequence:
                    await objects.delete(str(later))
        except (TimeoutError, self._errors.Error) as error:
            raise Unknown(f"snapshots after command {sequence} cannot be removed: {error}") from error

    async def get(self, sequence: int) -> tuple[SnapshotFile, Configuration] | None:
        """Fetch a snapshot; None if it is gone. Raises JournalError and BadSnapshot if it is damaged, and Unknown."""
        try:
            data = (await (await self.open()).get(str(sequence))).data or b""
        except self._missing:
            return None
        except (TimeoutError, self._errors.Error) as error:
            raise Unknown(f"snapshot {sequence} cannot be fetched: {error}") from error
        (length,) = _LENGTH.unpack_from(data)
        end = _LENGTH.size + length
        return decode(data[end:], sequence), Configuration.from_json(data[_LENGTH.size : end])
