"""A brand: how it is named, who speaks for it, and when its desk wants to be woken."""

from typing import Annotated

from msgspec import Meta

from schemas.types import Message, Probability, Time

MAX_EXAMPLES = 400
"""Examples that a brand may have: what is learnt from them is learnt whenever brands change."""


class Example(Message, kw_only=True):
    """A text that somebody read, and whether it is about the brand or about another thing."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    about: Annotated[bool, Meta(description="Whether the text is about the brand.")]


class AlertPolicy(Message, kw_only=True):
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
    ] = {}
    mute_until: Annotated[Time | None, Meta(description="For a planned campaign.")] = None


class Brand(Message, kw_only=True):
    """A brand that is listened for (topic ``brands``, compacted, key: ``id``)."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Annotated[str, Meta(min_length=1, description="For people.")]
    names: Annotated[
        list[str], Meta(description="Words or phrases that name it; `name` where empty.")
    ] = []
    handles: Annotated[list[str], Meta(description="Accounts that posts address, without @.")] = []
    exclude: Annotated[
        list[str], Meta(description="Phrases in which the name is another thing.")
    ] = []
    examples: Annotated[
        list[Example],
        Meta(
            max_length=MAX_EXAMPLES,
            description="Texts that teach which posts mean the brand; none: all do.",
        ),
    ] = []
    minimum_confidence: Annotated[
        Probability, Meta(description="Matches below it are dropped, where there are examples.")
    ] = 0.5
    query: Annotated[
        str | None, Meta(description="Brand query, which decides; without it names and handles do.")
    ] = None
    languages: Annotated[
        list[str], Meta(description="ISO 639-1 codes to keep; all where empty.")
    ] = []
    owned: Annotated[
        list[str], Meta(description="The brand's own accounts, `source:handle or id`.")
    ] = []
    peers: Annotated[list[str], Meta(description="Brand ids to compare it with.")] = []
    alerts: AlertPolicy = AlertPolicy()
