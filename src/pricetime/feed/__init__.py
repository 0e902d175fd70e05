"""The other end of an exchange: clients that send orders, and subscribers that rebuild its books from the feed."""

from __future__ import annotations

from ..core.builder import BookBuilder
from .async_client import AsyncClient
from .client import Client
from .subscriber import Subscriber

__all__ = ["AsyncClient", "BookBuilder", "Client", "Subscriber"]
