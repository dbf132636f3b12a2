"""A post as its platform published it, and the event that carries it on the ``posts`` topic."""

from typing import Annotated, TypeAlias, cast

from msgspec import Meta

from schemas.types import Count, Kind, Message, Op, Time, Version


class Author(Message, kw_only=True):
    """Who published the post, as far as the platform says."""

    id: Annotated[str, Meta(min_length=1, description="The platform's stable account id.")]
    handle: Annotated[str | None, Meta(description="Account name without a leading @.")] = None
    name: Annotated[str | None, Meta(description="Display name.")] = None
    followers: Annotated[Count | None, Meta(description="Followers when the post was read.")] = None
    verified: Annotated[bool | None, Meta(description="None where the platform does not say.")] = (
        None
    )
    created_at: Annotated[Time | None, Meta(description="When the account was opened.")] = None


class Media(Message, kw_only=True):
    """One attached picture, video or audio."""

    type: Annotated[str, Meta(description="photo, video, animation, audio or link.")]
    url: str | None = None
    alt: Annotated[str | None, Meta(description="The author's description of it.")] = None


class Metrics(Message, kw_only=True):
    """How often the post was acted upon when it was read; None where the platform is silent."""

    likes: Count | None = None
    reposts: Count | None = None
    replies: Count | None = None
    quotes: Count | None = None
    views: Count | None = None


class Post(Message, kw_only=True):
    """What every platform can say of a post. Offsets anywhere in tocsin point into ``text``."""

    id: Annotated[
        str, Meta(min_length=3, max_length=512, description="`source:native id`, the Kafka key.")
    ]
    source: Annotated[str, Meta(min_length=1, max_length=64, description="Platform or feed.")]
    author: Author
    text: Annotated[str, Meta(description="As published, at most 100,000 code points.")]
    created_at: Annotated[Time, Meta(description="When it was published (event time).")]
    url: str | None = None
    title: str | None = None
    language: Annotated[
        str | None, Meta(description="The platform's language hint (BCP 47), not a finding.")
    ] = None
    edited_at: Time | None = None
    claimed_at: Annotated[
        Time | None, Meta(description="The source's own date, where it was not believable.")
    ] = None
    reply_to: Annotated[str | None, Meta(description="Post id that this one answers.")] = None
    repost_of: Annotated[str | None, Meta(description="Post id that this one repeats.")] = None
    quote_of: Annotated[str | None, Meta(description="Post id that this one quotes.")] = None
    mentions: Annotated[list[str], Meta(description="Handles addressed, without @.")] = []
    hashtags: Annotated[list[str], Meta(description="Without #, as written.")] = []
    links: Annotated[list[str], Meta(description="Absolute URLs.")] = []
    media: list[Media] = []
    place: Annotated[str | None, Meta(description="Place as the platform names it.")] = None
    country: Annotated[str | None, Meta(description="ISO 3166-1 alpha-2.")] = None
    metrics: Metrics = Metrics()
    truncated: Annotated[bool, Meta(description="The text was longer than tocsin keeps.")] = False
    labels: Annotated[
        dict[str, str],
        Meta(description="What the feed itself says of the post, such as a data set's labels."),
    ] = {}

    @property
    def kind(self) -> Kind:
        """What the post is to another post; a repost that quotes is a quote."""
        if self.quote_of is not None:
            return "quote"
        if self.repost_of is not None:
            return "repost"
        return "original" if self.reply_to is None else "reply"


class Change(Message, kw_only=True, tag_field="op"):
    """What every event on ``posts`` and ``mentions`` says; the key is ``id``."""

    id: Annotated[str, Meta(min_length=3, max_length=512)]
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    version: Version
    ingested_at: Annotated[Time, Meta(description="When the ingestor read it (wall clock).")]

    @property
    def op(self) -> Op:
        """The kind of change, as the JSON names it."""
        return cast("Op", self.__struct_config__.tag)


class PostUpsert(Change, kw_only=True, tag="upsert"):
    """A post is new or edited: the whole post."""

    post: Post

    def __post_init__(self) -> None:
        if self.post.id != self.id:
            raise ValueError("the event and its post have different ids")


class PostDelete(Change, kw_only=True, tag="delete"):
    """A post is gone."""

    created_at: Annotated[
        Time | None, Meta(description="The post's event time, where the source says it.")
    ] = None


class PostErasure(Change, kw_only=True, tag="erase_author"):
    """An account is gone, with all that it wrote up to ``version``; ``id``: `source:author id`."""

    author_id: Annotated[str, Meta(min_length=1, description="Whose posts go.")]


PostEvent: TypeAlias = PostUpsert | PostDelete | PostErasure
"""One change of one post (topic ``posts``), told by ``op``."""
