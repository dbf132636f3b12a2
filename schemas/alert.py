"""What the crisis desk is woken by: one alert, its state, and the evidence behind it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from schemas.types import Count, Probability, Time, Version


class Signal(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One measure that left its baseline."""

    name: Annotated[str, Meta(description="volume, authors, negative_share, reach, ...")]
    observed: float
    baseline: Annotated[float, Meta(description="What was expected, in the same unit.")]
    unit: Annotated[str, Meta(description="posts/5min, authors/5min, share, ...")]
    significance: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(description="Standard deviations, or the detector's own measure."),
    ] = None


class Evidence(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person looks at to believe or dismiss the alert."""

    posts: Annotated[list[str], Meta(description="Post ids: first, most seen, typical.")] = field(
        default_factory=list
    )
    terms: list[str] = field(default_factory=list)
    entities: list[str] = field(default_factory=list)
    authors: Annotated[list[str], Meta(description="`source:author id` of who carried it.")] = (
        field(default_factory=list)
    )
    mentions: Count = 0
    distinct_authors: Count = 0
    duplicate_share: Probability | None = None


class Alert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One state of one alert (topic ``alerts``, key: ``brand``); ``(id, version)`` names it."""

    id: Annotated[str, Meta(min_length=1)]
    brand: Annotated[str, Meta(min_length=1)]
    version: Version
    status: Literal["open", "update", "close"]
    severity: Annotated[int, Meta(ge=1, le=5, description="5 is the gravest.")]
    began_at: Annotated[Time, Meta(description="Event time at which the shift began.")]
    raised_at: Annotated[Time, Meta(description="When this state was decided.")]
    title: str
    signals: list[Signal] = field(default_factory=list)
    evidence: Evidence = Evidence()
