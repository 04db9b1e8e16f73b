"""Processes that belong to another."""

import os
import threading
import time


def end_with(parent: int) -> None:
    """End this process within half a second of the one that started it, however that ended.

    Nobody would collect its result, and it holds its parent's locks.

    Args:
        parent: The parent's process id, from itself: it may be gone before this process can ask.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
