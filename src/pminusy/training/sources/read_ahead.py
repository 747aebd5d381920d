"""An iterator read ahead on a thread of its own, while what it gave before is worked on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["AHEAD", "read_ahead"]

AHEAD = 2  # items that wait at most; beside them one is being read and one is worked on
_LOOK = 0.1  # seconds after which a thread that waits for room asks whether anybody still wants it

Item = TypeVar("Item")


class _End(Generic[Item]):
    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def read_ahead(start: Callable[[], Iterator[Item]], ahead: int = AHEAD) -> Iterator[Item]:
    """The items of an iterator, in order; what it raises is raised here.

    The iterator is made, used and closed on the thread. Whoever stops early ends the thread.
    """
    waiting: queue.Queue[Item | _End[Item]] = queue.Queue(ahead)
    unwanted = threading.Event()

    def put(item: Item | _End[Item]) -> bool:
        while not unwanted.is_set():
            try:
                waiting.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            items = start()
            for item in items:
                if not put(item):
                    break
                del item  # not held while the next one is read
            close = getattr(items, "close", None)
            if close is not None:
                close()
        except BaseException as error:  # raised where the items are wanted
            put(_End(error))
        else:
            put(_End())

    reader = threading.Thread(target=read, name="pminusy-read-ahead", daemon=True)
    reader.start()
    try:
        while True:
            item = waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
            del item
    finally:
        unwanted.set()
        while True:  # makes room, so that the thread sees at once that it is not wanted
            try:
                waiting.get_nowait()
            except queue.Empty:
                break
        reader.join()
