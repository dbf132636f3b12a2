"""A post as published, and the event on the ``posts`` topic."""

from math import isfinite
from typing import Annotated, TypeAlias, cast

from msgspec import Meta

from schemas.types import (
    AuthorId,
    Count,
    Format,
    Kind,
    Message,
    Op,
    SignedCount,
    Time,
    Version,
)


class Author(Message, kw_only=True):
    """The author, as the platform describes them."""

    id: Annotated[str, Meta(min_length=1, description="The platform's stable account id.")]
    handle: Annotated[str | None, Meta(description="Account name without a leading @.")] = None
    name: Annotated[str | None, Meta(description="Display name.")] = None
    followers: Annotated[Count | None, Meta(description="Followers when the post was read.")] = None
    verified: Annotated[
        bool | None, Meta(description="None if the platform does not state it.")
    ] = None
    created_at: Annotated[Time | None, Meta(description="When the account was opened.")] = None
    url: Annotated[str | None, Meta(description="The account's own page.")] = None
    bot: Annotated[
        bool | None,
        Meta(description="Says it is automated; None if the platform has no such mark."),
    ] = None


class Media(Message, kw_only=True):
    """One attached picture, video or audio."""

    type: Annotated[str, Meta(description="photo, video, animation, audio or link.")]
    url: str | None = None
    alt: Annotated[str | None, Meta(description="The author's description of it.")] = None


class Metrics(Message, kw_only=True):
    """Counts at the time of reading; None if the platform does not state one."""

    likes: Count | None = None
    reposts: Count | None = None
    replies: Count | None = None
    quotes: Count | None = None
    views: Count | None = None
    score: Annotated[
        SignedCount | None,
        Meta(description="Votes up minus votes down, as the platform states it."),
    ] = None
    dislikes: Count | None = None
    saves: Annotated[Count | None, Meta(description="Bookmarks of it.")] = None


_STEPS = 400
"""Steps of a normalised rating; a hundredth of a mark on the scale of 1 to 5."""


class Rating(Message, kw_only=True):
    """The mark that a review gives, on the scale of its platform.

    Raises ``ValueError`` for a value that is not on the scale.
    """

    value: Annotated[float, Meta(description="As given, from `worst` to `best`.")]
    best: Annotated[float, Meta(description="The best mark of the scale.")] = 5.0
    worst: Annotated[float, Meta(description="The worst mark of the scale.")] = 1.0

    def __post_init__(self) -> None:
        scale = self.best - self.worst
        if not (isfinite(self.value) and isfinite(scale)):
            raise ValueError("a rating and its scale must be finite numbers")
        if scale <= 0:
            raise ValueError(f"the best mark, {self.best}, must be above the worst, {self.worst}")
        if not self.worst <= self.value <= self.best:
            raise ValueError(
                f"a rating of {self.value} is not on its scale, from {self.worst} to {self.best}"
            )

    @property
    def share(self) -> float:
        """The part of its scale that the mark reaches, 0 to 1, in steps of 1/400.

        So it is a hundredth of a mark on the scale of 1 to 5, and equal marks are equal.
        """
        return round(_STEPS * ((self.value - self.worst) / (self.best - self.worst))) / _STEPS


class Community(Message, kw_only=True):
    """Where people post together: a channel, group, forum, subreddit, wiki or mailing list."""

    id: Annotated[str, Meta(min_length=1, description="The platform's id of it.")]
    name: Annotated[str | None, Meta(description="Its name for people.")] = None
    url: str | None = None
    members: Annotated[Count | None, Meta(description="Members when the post was read.")] = None


class Publisher(Message, kw_only=True):
    """The title that published it. Its reach is not that of an author's followers."""

    name: str | None = None
    domain: Annotated[str | None, Meta(description="Such as `news.example`.")] = None
    country: Annotated[str | None, Meta(description="ISO 3166-1 alpha-2.")] = None


class Post(Message, kw_only=True):
    """The fields that platforms share. Every offset in tocsin points into ``text``."""

    id: Annotated[
        str, Meta(min_length=3, max_length=512, description="`source:native id`, the Kafka key.")
    ]
    source: Annotated[str, Meta(min_length=1, max_length=64, description="Platform or feed.")]
    author: Author
    text: Annotated[str, Meta(description="As published, at most 100,000 code points.")]
    created_at: Annotated[Time, Meta(description="Time of publication (event time).")]
    url: str | None = None
    title: str | None = None
    language: Annotated[
        str | None, Meta(description="The platform's language hint (BCP 47), not detected.")
    ] = None
    edited_at: Time | None = None
    claimed_at: Annotated[
        Time | None, Meta(description="The source's date, if it was not plausible.")
    ] = None
    reply_to: Annotated[str | None, Meta(description="Post id that this one answers.")] = None
    repost_of: Annotated[str | None, Meta(description="Post id that this one repeats.")] = None
    quote_of: Annotated[str | None, Meta(description="Post id that this one quotes.")] = None
    thread: Annotated[
        str | None,
        Meta(description="Post id of the conversation's first post, which may name itself."),
    ] = None
    copied_from: Annotated[
        list[str],
        Meta(description="Author ids, on this source, of the posts whose words the text repeats."),
    ] = []
    mentions: Annotated[list[str], Meta(description="Mentioned handles, without @.")] = []
    hashtags: Annotated[list[str], Meta(description="Without #, as written.")] = []
    links: Annotated[list[str], Meta(description="Absolute URLs.")] = []
    media: list[Media] = []
    place: Annotated[str | None, Meta(description="Place as the platform names it.")] = None
    country: Annotated[str | None, Meta(description="ISO 3166-1 alpha-2.")] = None
    format: Annotated[Format | None, Meta(description="The form of the publication.")] = None
    community: Annotated[Community | None, Meta(description="Where it was posted.")] = None
    about: Annotated[
        str | None,
        Meta(description="Id or URL of the thing that it is on: the app, shop, page or video."),
    ] = None
    about_name: Annotated[str | None, Meta(description="That thing's name.")] = None
    rating: Annotated[Rating | None, Meta(description="The mark that a review gives.")] = None
    publisher: Annotated[Publisher | None, Meta(description="The press title or site.")] = None
    keep_until: Annotated[
        Time | None,
        Meta(description="The source's terms let it be kept until then; the index deletes it."),
    ] = None
    metrics: Metrics = Metrics()
    truncated: Annotated[bool, Meta(description="The text was cut.")] = False
    labels: Annotated[
        dict[str, str],
        Meta(description="The feed's own labels of the post, such as a data set's."),
    ] = {}

    @property
    def kind(self) -> Kind:
        """The relation to another post; a repost that quotes is a quote."""
        if self.quote_of is not None:
            return "quote"
        if self.repost_of is not None:
            return "repost"
        return "original" if self.reply_to is None else "reply"


class Change(Message, kw_only=True, tag_field="op"):
    """The common fields of every event on ``posts`` and ``mentions``; the key is ``id``."""

    id: Annotated[str, Meta(min_length=3, max_length=512)]
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    version: Version
    ingested_at: Annotated[Time, Meta(description="When the ingestor read it (wall clock).")]

    @property
    def op(self) -> Op:
        return cast("Op", self.__struct_config__.tag)


class PostUpsert(Change, kw_only=True, tag="upsert"):
    """A new or edited post, whole."""

    post: Post

    def __post_init__(self) -> None:
        if self.post.id != self.id:
            raise ValueError("the event and its post have different ids")


class PostDelete(Change, kw_only=True, tag="delete"):
    """A post was deleted."""

    created_at: Annotated[
        Time | None, Meta(description="The post's event time, if the source states it.")
    ] = None


class PostErasure(Change, kw_only=True, tag="erase_author"):
    """An account was deleted, with its posts up to ``version``; ``id``: `source:author id`."""

    author_id: AuthorId


PostEvent: TypeAlias = PostUpsert | PostDelete | PostErasure
"""One change of one post (topic ``posts``), tagged by ``op``."""
