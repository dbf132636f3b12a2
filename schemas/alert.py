"""An alert: its state, its signals and its evidence; and the delivery of a state to a channel."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.types import Count, Message, Probability, Score, Time, Version

Status = Literal["open", "update", "close"]
AlertKind = Literal["crisis", "blind"]
"""``blind``: a source is silent, so no mentions may mean no data."""
Authenticity = Literal["organic", "amplified", "coordinated"]
"""``amplified``: many copies and reposts; ``coordinated``: by accounts that are young or act in
step."""
Role = Literal["first", "most_seen", "typical", "influential"]


class Signal(Message, kw_only=True):
    """One measure that left its baseline."""

    name: Annotated[
        str,
        Meta(
            description="volume, authors, discounted_volume, negative_share, sentiment, reach, "
            "topic, influencer, lexicon, spread."
        ),
    ]
    observed: float
    baseline: Annotated[float, Meta(description="Expected value, in the same unit.")]
    unit: Annotated[str, Meta(description="posts/5min, authors/5min, share, ...")]
    significance: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="Standard deviations, or the detector's own measure."),
    ] = None
    about: Annotated[
        str | None, Meta(description="Its subject: the new topic, the new sources or countries.")
    ] = None


class Lift(Message, kw_only=True):
    """A word, hashtag, link or name that is more frequent than before."""

    term: str
    count: Count
    expected: Annotated[float, Meta(description="Expected count, from its share before.")]
    significance: Annotated[float, Meta(description="Log-likelihood ratio (Dunning 1993).")]


class ShownPost(Message, kw_only=True):
    """A post that illustrates the alert."""

    id: str
    role: Role
    at: Time
    url: str | None = None
    reach: Count = 0
    score: Score | None = None
    author: Annotated[str | None, Meta(description="Hash, as in `activity`.")] = None


class Carrier(Message, kw_only=True):
    """An author who contributed to the shift."""

    author: Annotated[str, Meta(description="Hash, as in `activity`.")]
    mentions: Count = 0
    reach: Count = 0
    url: Annotated[str | None, Meta(description="Of the author's post with the widest reach.")] = (
        None
    )


class Evidence(Message, kw_only=True):
    """What a person needs to confirm or dismiss the alert."""

    mentions: Count = 0
    distinct_authors: Count = 0
    duplicate_share: Probability | None = None
    lifted: Annotated[list[Lift], Meta(description="The terms, with their increase.")] = []
    lifted_entities: Annotated[
        list[Lift], Meta(description="The entities, with their increase.")
    ] = []
    carriers: Annotated[
        list[Carrier], Meta(description="The authors with most posts, then those with most reach.")
    ] = []
    shown: Annotated[list[ShownPost], Meta(description="The posts, with the role of each.")] = []
    sources: Annotated[dict[str, Count], Meta(description="Mentions by source.")] = {}
    languages: Annotated[dict[str, Count], Meta(description="Mentions by language.")] = {}
    countries: Annotated[dict[str, Count], Meta(description="Mentions by country.")] = {}
    authenticity: Authenticity | None = None


class Headline(Message, kw_only=True):
    """The facts of the title, for readers of any language."""

    name: Annotated[str, Meta(description="Name of the brand.")]
    minutes: Annotated[Count, Meta(description="Length of the window of these numbers.")] = 0
    mentions: Count = 0
    authors: Count = 0
    times: Annotated[
        float | None, Meta(description="Mentions over the usual, if they have changed.")
    ] = None
    negative_share: Probability | None = None


class Alert(Message, kw_only=True):
    """One state of an alert (topic ``alerts``, key: ``brand``), identified by ``(id, version)``."""

    id: Annotated[str, Meta(min_length=1)]
    brand: Annotated[str, Meta(min_length=1)]
    version: Version
    status: Status
    severity: Annotated[int, Meta(ge=1, le=5, description="5 is the most severe.")]
    began_at: Annotated[Time, Meta(description="Event time of the start of the shift.")]
    raised_at: Annotated[Time, Meta(description="Wall-clock time of this state.")]
    title: Annotated[str, Meta(description="In English, for machines and logs.")]
    signals: list[Signal] = []
    evidence: Evidence = Evidence()
    kind: AlertKind = "crisis"
    channels: Annotated[
        list[str],
        Meta(description="Channels that the brand's policy names for this severity; empty: all."),
    ] = []
    muted: Annotated[
        bool, Meta(description="Quiet hours or a planned campaign: stored, but not sent.")
    ] = False
    found_afterwards: Annotated[
        bool, Meta(description="Its mentions came late: the shift was over, or old, when found.")
    ] = False
    headline: Annotated[Headline | None, Meta(description="Absent on `blind`.")] = None
