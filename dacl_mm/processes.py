"""Processes that belong to another, or together."""

import copy
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from mmengine.dist import broadcast_object_list, is_main_process

Result = TypeVar('Result')


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


def on_main_process(function: Callable[[], Result]) -> Result:
    """Call a function on the first process of a distributed run; all return its result.

    Raises:
        Exception: What it raised there, on all, so that none waits for a result that never comes.
    """
    answer: list[Any] = [None, None]  # result, fault
    if is_main_process():
        try:
            answer[0] = function()
        except Exception as error:
            answer[1] = error if _travels(error) else RuntimeError(f'{type(error).__name__}: {error}')
    broadcast_object_list(answer)
    if answer[1] is not None:
        raise answer[1]
    result: Result = answer[0]
    return result


def _travels(error: Exception) -> bool:
    try:
        return type(copy.deepcopy(error)) is type(error)
    except Exception:
        return False
