"""One place for what waits: the newest."""

import asyncio
from typing import Generic, TypeVar

Item = TypeVar('Item')


class Latest(Generic[Item]):
    """Holds one item; a newer one takes its place, and the older is counted as dropped."""

    def __init__(self) -> None:
        self.dropped = 0
        self._item: Item | None = None
        self._there = asyncio.Event()

    def put(self, item: Item) -> bool:
        """Lay down an item, and return whether it took another's place."""
        dropped = self._item is not None
        self.dropped += dropped
        self._item = item
        self._there.set()
        return dropped

    async def take(self) -> Item:
        """Wait for an item, and take it away."""
        await self._there.wait()
        self._there.clear()
        item, self._item = self._item, None
        assert item is not None  # put sets both
        return item
