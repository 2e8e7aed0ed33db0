"""Reader of the suppression list for a serving system. It needs the standard library only, so it can be copied.

suppression = Suppression("suppression.json", "suppression.key")
events = [event for event in events if not suppression.covers(event.user, event.item)]
"""

import hashlib
import hmac
import json
from pathlib import Path


class Suppression:
    """Whose data may not be used. The list is read again when its file changes.

    Attributes:
        path: The list, as `suppression --out` writes it.
    """

    def __init__(self, path: str | Path, key: str | Path) -> None:
        """Read the list, and the key as `suppression --key-out` writes it. Raises as `covers` does."""
        self.path, self._key = Path(path), bytes.fromhex(Path(key).read_text(encoding="ascii").strip())
        self._stamp: tuple[int, int] | None = None
        self._read()

    def covers(self, user: str, item: str = "") -> bool:
        """Whether nothing of a user, or not this interaction of theirs, may be used.

        Raises:
            OSError, ValueError: The list is gone or damaged: use nobody's data until it is back.
        """
        self._read()
        return self._pseudonym("user", user) in self._users or (
            item != "" and self._pseudonym("interaction", user, item) in self._interactions
        )

    def _read(self) -> None:
        found = self.path.stat()
        if (stamp := (found.st_mtime_ns, found.st_ino)) != self._stamp:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            self._users, self._interactions = frozenset(content["users"]), frozenset(content["interactions"])
            self._stamp = stamp

    def _pseudonym(self, *parts: str) -> str:
        text = "".join(f"{len(part)}:{part}" for part in parts)  # lengths keep different lists of parts apart
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
