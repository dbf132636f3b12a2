"""What the crisis desk is woken by: one alert, its state, and the evidence behind it."""

from typing import Annotated, Literal

from msgspec import Meta

from schemas.types import Count, Message, Probability, Score, Time, Version

Status = Literal["open", "update", "close"]
AlertKind = Literal["crisis", "blind"]
"""``blind``: a source is silent, so that no calm can be told from no data."""
Authenticity = Literal["organic", "amplified", "coordinated"]
"""``amplified``: mostly copies of few posts; ``coordinated``: of accounts that are young or act in
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
    baseline: Annotated[float, Meta(description="What was expected, in the same unit.")]
    unit: Annotated[str, Meta(description="posts/5min, authors/5min, share, ...")]
    significance: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="Standard deviations, or the detector's own measure."),
    ] = None
    about: Annotated[
        str | None, Meta(description="What it is of: the new topic, the new sources or countries.")
    ] = None


class Lift(Message, kw_only=True):
    """A word, hashtag, link or name that is said more than before."""

    term: str
    count: Count
    expected: Annotated[float, Meta(description="Count that its share before would have given.")]
    significance: Annotated[float, Meta(description="Log-likelihood ratio (Dunning 1993).")]


class ShownPost(Message, kw_only=True):
    """A post that shows what happens."""

    id: str
    role: Role
    at: Time
    url: str | None = None
    reach: Count = 0
    score: Score | None = None


class Carrier(Message, kw_only=True):
    """An author who carried it."""

    author: Annotated[str, Meta(description="Hash, as in `activity`.")]
    mentions: Count = 0
    reach: Count = 0
    url: Annotated[str | None, Meta(description="Of the author's post with the widest reach.")] = (
        None
    )


class Evidence(Message, kw_only=True):
    """What a person looks at to believe or dismiss the alert."""

    mentions: Count = 0
    distinct_authors: Count = 0
    duplicate_share: Probability | None = None
    lifted: Annotated[
        list[Lift], Meta(description="The terms, with how much more they are said.")
    ] = []
    lifted_entities: Annotated[
        list[Lift], Meta(description="The entities, with how much more they are named.")
    ] = []
    carriers: Annotated[
        list[Carrier], Meta(description="The authors who wrote most, then those with most reach.")
    ] = []
    shown: Annotated[list[ShownPost], Meta(description="The posts, with why they are shown.")] = []
    sources: Annotated[dict[str, Count], Meta(description="Mentions by source.")] = {}
    languages: Annotated[dict[str, Count], Meta(description="Mentions by language.")] = {}
    countries: Annotated[dict[str, Count], Meta(description="Mentions by country.")] = {}
    authenticity: Authenticity | None = None


class Headline(Message, kw_only=True):
    """The facts of the title, so that each reader has it in a language of theirs."""

    name: Annotated[str, Meta(description="Of the brand.")]
    minutes: Annotated[Count, Meta(description="That the numbers are of.")] = 0
    mentions: Count = 0
    authors: Count = 0
    times: Annotated[
        float | None, Meta(description="Mentions over the usual, where they have moved.")
    ] = None
    negative_share: Probability | None = None


class Alert(Message, kw_only=True):
    """One state of one alert (topic ``alerts``, key: ``brand``); ``(id, version)`` names it."""

    id: Annotated[str, Meta(min_length=1)]
    brand: Annotated[str, Meta(min_length=1)]
    version: Version
    status: Status
    severity: Annotated[int, Meta(ge=1, le=5, description="5 is the gravest.")]
    began_at: Annotated[Time, Meta(description="Event time at which the shift began.")]
    raised_at: Annotated[Time, Meta(description="When this state was decided.")]
    title: Annotated[str, Meta(description="In English, for machines and logs.")]
    signals: list[Signal] = []
    evidence: Evidence = Evidence()
    kind: AlertKind = "crisis"
    channels: Annotated[
        list[str], Meta(description="Where the brand's policy sends this severity; empty: all.")
    ] = []
    muted: Annotated[
        bool, Meta(description="Quiet hours or a planned campaign: kept, and nobody is woken.")
    ] = False
    headline: Annotated[Headline | None, Meta(description="Absent on `blind`.")] = None
