"""Where sends wait for a picture: until it is drawn, and then until the first of them has uploaded it.

One upload per key: one send at a time holds the right to carry the bytes, the others wait for the file id that
Telegram gives back and then go with that. The text stands alone in the meantime; nobody waits for a picture to read a
price.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

REMEMBERED_KEYS = 4096
"""Keys of which we remember that they were drawn; a forgotten one is looked up again."""
KEY_LIFE_S = 3600.0
"""How long a key is remembered that nobody asks for: pictures are wanted within minutes of their signal."""


@dataclass(slots=True)
class _Key:
    """`uploader` is the send that may carry the bytes now; `waiting` holds (until when, which send), oldest first;
    `idle_since` is when the key was first seen to be of no use to anybody.
    """

    idle_since: float | None = None
    is_drawn: bool = False
    is_stored: bool = False
    uploader: str | None = None
    waiting: list[tuple[float, str]] = field(default_factory=list)


class PictureRoom:
    """Lets sends of one picture through: nobody before it is drawn, one to upload it, all once it is uploaded."""

    def __init__(self) -> None:
        self._keys: OrderedDict[str, _Key] = OrderedDict()

    def __len__(self) -> int:
        return sum(len(key.waiting) for key in self._keys.values())

    def arrive(self, name: str, send_id: str, until_s: float) -> list[str]:
        """Let a send wait until `until_s`; returns who may go now."""
        key = self._key(name)
        key.waiting.append((until_s, send_id))
        return _release(key)

    def drawn(self, name: str) -> list[str]:
        """Learn that the picture lies in the store; returns who may go now."""
        key = self._key(name)
        key.is_drawn = True
        return _release(key)

    def uploaded(self, name: str) -> list[str]:
        """Learn that Telegram has the picture under an id; returns who may go now: everybody."""
        key = self._key(name)
        key.is_stored, key.uploader = True, None
        return _release(key)

    def give_up(self, name: str, send_id: str) -> list[str]:
        """Give the right to upload back, without success; returns who may try next."""
        key = self._key(name)
        if key.uploader == send_id:
            key.uploader = None
        return _release(key)

    def lost(self, name: str) -> None:
        """Learn that the file id is worth nothing any more: it must be uploaded again."""
        self._key(name).is_stored = False

    def claim(self, name: str, send_id: str) -> bool:
        """Ask for the right to upload: granted once the picture is drawn, to one send at a time."""
        key = self._keys.get(name)
        if key is None or not key.is_drawn or key.uploader not in (None, send_id):
            return False
        key.idle_since = None
        key.uploader = send_id
        return True

    def overdue(self, now_s: float) -> list[str]:
        """Take out those who have waited long enough."""
        late: list[str] = []
        for key in self._keys.values():
            late += [send_id for until_s, send_id in key.waiting if until_s <= now_s]
            key.waiting = [(until_s, send_id) for until_s, send_id in key.waiting if until_s > now_s]
        return late

    def forget(self, now_s: float) -> None:
        """Forget the keys that nobody has asked for in `KEY_LIFE_S`."""
        for name, key in list(self._keys.items()):
            if key.waiting or key.uploader is not None:
                key.idle_since = None
            elif key.idle_since is None:
                key.idle_since = now_s
            elif now_s - key.idle_since >= KEY_LIFE_S:
                del self._keys[name]

    @property
    def keys(self) -> int:
        """How many pictures are remembered."""
        return len(self._keys)

    def unseen(self) -> list[str]:
        """List the pictures somebody waits for that may be there without our having heard of it."""
        return [name for name, key in self._keys.items() if key.waiting and not (key.is_drawn or key.is_stored)]

    def drain(self) -> list[str]:
        """Take everybody out."""
        return self.overdue(float("inf"))

    def _key(self, name: str) -> _Key:
        key = self._keys.setdefault(name, _Key())
        key.idle_since = None
        self._keys.move_to_end(name)
        if len(self._keys) > REMEMBERED_KEYS:
            idle = (other for other, it in self._keys.items() if not it.waiting and it.uploader is None)
            del self._keys[next((other for other in idle if other != name), name)]
        return key


def _release(key: _Key) -> list[str]:
    if key.is_stored:
        free, key.waiting = [send_id for _, send_id in key.waiting], []
        return free
    if not key.is_drawn or key.uploader is not None or not key.waiting:
        return []
    key.uploader = key.waiting.pop(0)[1]
    return [key.uploader]
