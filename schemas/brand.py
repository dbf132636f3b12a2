"""A brand: its names, its accounts and its alert policy."""

from typing import Annotated

from msgspec import Meta

from schemas.types import Message, Probability, Time

MAX_EVENTS = 50
"""Of one brand."""
MAX_EXAMPLES = 400
"""Examples of one brand: the disambiguation learns from them at every change of the brands."""


class Example(Message, kw_only=True):
    """A labelled text: about the brand, or about something else of the same name."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    about: Annotated[bool, Meta(description="Whether the text is about the brand.")]


class AlertPolicy(Message, kw_only=True):
    """When and where the brand's alerts go."""

    sensitivity: Annotated[
        float, Meta(gt=0, le=10, description="1 is normal; a higher value alerts on less.")
    ] = 1.0
    minimum_volume: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(
            description="Mentions in 5 minutes that a crisis needs; if absent, it follows from the "
            "brand's own volume."
        ),
    ] = None
    quiet_hours: Annotated[
        str | None, Meta(description="`22:00-07:00 Europe/Paris`: only severity 4 and 5 are sent.")
    ] = None
    channels: Annotated[dict[str, list[str]], Meta(description="Channels by severity.")] = {}
    playbook: Annotated[
        dict[str, str], Meta(description="What the desk does, by severity; shown with the alert.")
    ] = {}
    mute_until: Annotated[
        Time | None, Meta(description="End of a planned campaign: no alert is sent before.")
    ] = None
    quiet_events: Annotated[
        list[str],
        Meta(
            max_length=MAX_EVENTS,
            description="`Sun 19:00-21:30 Europe/Paris`, `2026-12-24 - 2026-12-26 Europe/Paris`: "
            "shows and holidays, in which a volume alone opens no alert.",
        ),
    ] = []


class Brand(Message, kw_only=True):
    """A brand to listen for (topic ``brands``, compacted, key: ``id``)."""

    id: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Annotated[str, Meta(min_length=1, description="Display name.")]
    names: Annotated[
        list[str], Meta(description="Words or phrases that name it; `name` if empty.")
    ] = []
    handles: Annotated[list[str], Meta(description="Accounts that posts mention, without @.")] = []
    exclude: Annotated[
        list[str], Meta(description="Phrases in which the name means something else.")
    ] = []
    examples: Annotated[
        list[Example],
        Meta(
            max_length=MAX_EXAMPLES,
            description="Texts that teach which posts mean the brand; if empty, all do.",
        ),
    ] = []
    minimum_confidence: Annotated[
        Probability, Meta(description="Matches below it are dropped, if there are examples.")
    ] = 0.5
    query: Annotated[str | None, Meta(description="Brand query; replaces names and handles.")] = (
        None
    )
    languages: Annotated[list[str], Meta(description="ISO 639-1 codes to keep; all if empty.")] = []
    owned: Annotated[
        list[str], Meta(description="The brand's own accounts, `source:handle or id`.")
    ] = []
    peers: Annotated[list[str], Meta(description="Ids of brands to compare it with.")] = []
    alerts: AlertPolicy = AlertPolicy()
