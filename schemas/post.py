"""A post as published, and the event on the ``posts`` topic."""

from typing import Annotated, TypeAlias, cast

from msgspec import Meta

from schemas.types import AuthorId, Count, Kind, Message, Op, Time, Version


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
