"""What was made of the notes that were opened last, so that who comes next finds it done: bounded in bytes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from gevent.lock import Semaphore

T = TypeVar("T")


class Recent(Generic[T]):
    """The newest that was made for each note, with the entry up to which it is true."""

    def __init__(self, most: int, size: Callable[[T], int]) -> None:
        """`most`: bytes in all. `size`: bytes of one."""
        self._most = most
        self._size_of = size
        self._size = 0
        self._kept: OrderedDict[str, tuple[int, T]] = OrderedDict()
        self._at_work: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()

    def alone(self, document_id: str) -> Semaphore:
        """Hold it while making it for this note: whoever wants the same meanwhile finds it done."""
        return self._at_work.setdefault(document_id, Semaphore())

    def get(self, history: str, seq: int) -> T | None:
        """What was kept for this history (a document's id and its epoch), if it is no older than `seq`."""
        kept = self._kept.get(history)
        if kept is None or kept[0] < seq:
            return None
        self._kept.move_to_end(history)
        return kept[1]

    def keep(self, history: str, seq: int, made: T) -> None:
        before = self._kept.pop(history, None)
        if before is not None:
            self._size -= self._size_of(before[1])
        self._kept[history] = seq, made
        self._size += self._size_of(made)
        while self._size > self._most:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._size -= self._size_of(dropped)
