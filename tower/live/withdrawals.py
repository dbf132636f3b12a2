"""What has left the stream: deleted posts and erased authors, which no answer may show any more.

The index follows within seconds, and answers are kept for a while: until then this hides them.
"""

from collections import OrderedDict
from typing import Final, TypeVar

from schemas.mention import MentionDelete, MentionErasure, MentionEvent
from schemas.post import Post, PostDelete, PostErasure, PostEvent

MAX_KEPT: Final = 50_000
K = TypeVar("K")


class Withdrawals:
    """The newest deletes and erasures; not thread-safe."""

    def __init__(self) -> None:
        self._posts: OrderedDict[str, int] = OrderedDict()
        self._authors: OrderedDict[tuple[str, str], int] = OrderedDict()

    def take(self, event: MentionEvent | PostEvent) -> None:
        """In the order of the stream: a post that comes again is shown again."""
        if isinstance(event, MentionDelete | PostDelete):
            if event.version:
                _put(self._posts, event.id, event.version)
        elif isinstance(event, MentionErasure | PostErasure):
            _put(self._authors, (event.source, event.author_id), event.version)
        elif self._posts.get(event.id, -1) < event.version:
            self._posts.pop(event.id, None)

    def hides(self, post: Post, version: int) -> bool:
        """Whether this state of a post must not be shown."""
        if self._posts.get(post.id, -1) >= version:
            return True
        if self.erased(post.source, post.author.id, version):
            return True
        # A repost that carries the words of an erased author, or of a deleted post.
        if any(self.erased(post.source, author, version) for author in post.copied_from):
            return True
        return bool(post.copied_from) and post.repost_of in self._posts

    def erased(self, source: str, author: str, version: int = 0) -> bool:
        return self._authors.get((source, author), -1) >= version

    def deleted(self, post_id: str) -> bool:
        return post_id in self._posts


def _put(kept: "OrderedDict[K, int]", key: K, version: int) -> None:
    kept[key] = max(version, kept.get(key, -1))
    kept.move_to_end(key)
    while len(kept) > MAX_KEPT:
        kept.popitem(last=False)
