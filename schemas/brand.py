"""A brand: how it is named, who speaks for it, and when its desk wants to be woken."""

from typing import Annotated

from msgspec import Meta, Struct, field

from schemas.types import Probability, Time

MAX_EXAMPLES = 400
"""Examples that a brand may have: what is learnt from them is learnt whenever brands change."""


class Example(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text that somebody read, and whether it is about the brand or about another thing."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    about: Annotated[bool, Meta(description="Whether the text is about the brand.")]


class AlertPolicy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When the brand's desk wants an alert."""

    sensitivity: Annotated[
        float, Meta(gt=0, le=10, description="1 is normal; higher alerts on less.")
    ] = 1.0
    minimum_volume: Annotated[
        int, Meta(ge=1, description="Mentions in 5 minutes below which nothing is a crisis.")
    ] = 10
    quiet_hours: Annotated[
        str | None, Meta(description="`22:00-07:00 Europe/Paris`: only severity 4 and 5 wake.")
    ] = None
    channels: Annotated[
        dict[str, list[str]], Meta(description="Severity to the channels that it goes to.")
    ] = field(default_factory=dict)
    mute_until: Annotated[Time | None, Meta(description="For a planned campaign.")] = None


class Brand(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A brand that is listened for (topic ``brands``, compacted, key: ``id``)."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Annotated[str, Meta(min_length=1, description="For people.")]
    names: Annotated[
        list[str], Meta(description="Words or phrases that name it; `name` where empty.")
    ] = field(default_factory=list)
    handles: Annotated[list[str], Meta(description="Accounts that posts address, without @.")] = (
        field(default_factory=list)
    )
    exclude: Annotated[
        list[str], Meta(description="Phrases in which the name is another thing.")
    ] = field(default_factory=list)
    examples: Annotated[
        list[Example],
        Meta(
            max_length=MAX_EXAMPLES,
            description="Texts that teach which posts mean the brand; none: all do.",
        ),
    ] = field(default_factory=list)
    minimum_confidence: Annotated[
        Probability, Meta(description="Matches below it are dropped, where there are examples.")
    ] = 0.5
    query: Annotated[
        str | None, Meta(description="Brand query, which decides; without it names and handles do.")
    ] = None
    languages: Annotated[
        list[str], Meta(description="ISO 639-1 codes to keep; all where empty.")
    ] = field(default_factory=list)
    owned: Annotated[
        list[str], Meta(description="The brand's own accounts, `source:handle or id`.")
    ] = field(default_factory=list)
    peers: Annotated[list[str], Meta(description="Brand ids to compare it with.")] = field(
        default_factory=list
    )
    alerts: AlertPolicy = AlertPolicy()
