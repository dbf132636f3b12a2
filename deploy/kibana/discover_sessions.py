"""Discover sessions for the questions of each day, of an analyst, a crisis desk and an operator."""

from dataclasses import dataclass
from typing import Final

from deploy.kibana.data_views import ALERTS, COVERAGE, DELETIONS, ERASURES, MENTIONS, DataView
from deploy.kibana.saved_object import Reference, SavedObject, search_source
from queries.elasticsearch.kibana_link import COLUMNS
from schemas.types import JsonObject

_INDEX: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"
_SPREAD: Final = (
    "source", "author.handle", "author.followers", "influence.reach", "influence.engagement",
    "brands", "text",
)  # fmt: skip
_FEELING: Final = (
    "author.handle", "brands", "brand_sentiment", "aspect_sentiment", "intents", "emotion.label",
    "text",
)  # fmt: skip
_ALERT: Final = (
    "severity", "status", "kind", "brand", "title", "raised_at", "desk.acknowledged_by",
    "desk.assignee",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Session:
    """A search that Discover opens: columns, order and query in KQL."""

    id: str
    title: str
    description: str
    columns: tuple[str, ...]
    kql: str = ""
    view: DataView = MENTIONS
    by: str = ""
    """Field to sort by, highest first; the view's time if empty."""
    breakdown: str = ""
    """Field that splits the histogram."""

    @property
    def order(self) -> str:
        return self.by or self.view.time

    def saved(self) -> SavedObject:
        attributes: JsonObject = {
            "columns": list(self.columns),
            "description": self.description,
            "grid": {},
            "hideChart": False,
            "isTextBasedQuery": False,
            "kibanaSavedObjectMeta": search_source(self.kql, _INDEX),
            "sort": [[self.order, "desc"]],
            "timeRestore": False,
            "title": self.title,
        }
        if self.breakdown:
            attributes["breakdownField"] = self.breakdown
        view = Reference(_INDEX, "index-pattern", self.view.id)
        return SavedObject("search", self.id, attributes, (view,))


LATEST: Final = Session(
    "tocsin-latest",
    "Tocsin: latest mentions",
    "What is said now, newest first; add a brand to the filters.",
    COLUMNS,
    breakdown="brands",
)
WORST: Final = Session(
    "tocsin-worst",
    "Tocsin: negative and widely seen",
    "Negative towards a brand, widest reach first: what a crisis desk reads first.",
    _SPREAD,
    "brand_sentiment: *=negative",
    by="influence.reach",
    breakdown="brands",
)
OPEN_ALERTS: Final = Session(
    "tocsin-open-alerts",
    "Tocsin: open alerts",
    "Alerts that are not closed, newest first.",
    _ALERT,
    "not status: close",
    ALERTS,
    breakdown="brand",
)
DELETED: Final = Session(
    "tocsin-deleted",
    "Tocsin: deleted posts",
    "Marks of deleted posts, by the time of the deletion: nothing of the author is left in them.",
    ("source", "id", "version", "key"),
    view=DELETIONS,
)
OPEN_ERASURES: Final = Session(
    "tocsin-open-erasures",
    "Tocsin: erasures under way",
    "Erasures of authors that are not done in every index yet.",
    ("source", "erased_at", "version"),
    "not done_at: *",
    ERASURES,
)
SESSIONS: Final = (
    LATEST,
    WORST,
    Session(
        "tocsin-complaints",
        "Tocsin: complaints and threats to leave",
        "Meant seriously: without ironic posts and reposts.",
        _FEELING,
        "intents: (complaint or threat_to_leave) and not irony.label: true and not kind: repost",
        breakdown="intents",
    ),
    Session(
        "tocsin-questions",
        "Tocsin: questions and requests",
        "What people ask, for those who answer: no reposts.",
        ("source", "author.handle", "brands", "language", "intents", "text", "url"),
        "intents: (question or request) and not kind: repost",
        breakdown="brands",
    ),
    Session(
        "tocsin-buyers",
        "Tocsin: praise and plans to buy",
        "What people like, and who is about to buy.",
        _FEELING,
        "intents: (praise or purchase_intent)",
        breakdown="brands",
    ),
    Session(
        "tocsin-widest",
        "Tocsin: widest posts",
        "The posts that most people may have seen.",
        _SPREAD,
        "influence.reach >= 1",
        by="influence.reach",
    ),
    Session(
        "tocsin-languages",
        "Tocsin: by language and country",
        "Where and in which language a brand is spoken of.",
        ("language", "country", "place", "source", "brands", "text"),
        breakdown="language",
    ),
    Session(
        "tocsin-copies",
        "Tocsin: copies by unverified accounts",
        "Posts that repeat the words of others and are no reposts, by accounts that the platform "
        "has not verified.",
        ("author.handle", "author.followers", "influence.account_age_days", "brands",
         "duplicate_group", "text"),
        "copied_from: * and not kind: repost and not author.verified: true",
        breakdown="duplicate_group",
    ),
    Session(
        "tocsin-young-accounts",
        "Tocsin: young accounts",
        "Posts of accounts that were opened less than 30 days before.",
        ("author.handle", "influence.account_age_days", "author.followers", "brands", "text"),
        "influence.account_age_days <= 29",
    ),
    Session(
        "tocsin-known",
        "Tocsin: people with a following",
        "Posts of accounts with 10,000 followers or more.",
        _SPREAD,
        "author.followers >= 10000",
        by="author.followers",
    ),
    Session(
        "tocsin-toxic",
        "Tocsin: insults and threats",
        "Posts that are read as toxic, for those who protect staff and communities.",
        ("author.handle", "brands", "toxicity.probability", "text", "url"),
        "toxicity.label: true",
    ),
    Session(
        "tocsin-edited",
        "Tocsin: edited posts",
        "Posts whose words changed after publication, by the time of the edit.",
        ("edited_at", "source", "author.handle", "brands", "text"),
        "edited_at: *",
        by="edited_at",
    ),
    DELETED,
    OPEN_ALERTS,
    Session(
        "tocsin-alerts-all",
        "Tocsin: all alerts",
        "Every alert with its state, newest first.",
        (*_ALERT, "muted", "found_afterwards", "desk.closed_by", "desk.closed_severity"),
        view=ALERTS,
        breakdown="severity",
    ),
    OPEN_ERASURES,
    Session(
        "tocsin-unheard",
        "Tocsin: when we did not hear",
        "Times in which a source was silent, away or lost: few mentions may mean no data.",
        ("from", "to", "source", "state", "why", "lost", "made_up_at", "told_by"),
        "state: (gap or blind or away)",
        COVERAGE,
        breakdown="source",
    ),
    Session(
        "tocsin-ratings",
        "Tocsin: low ratings",
        "Reviews that give one or two of five, or as little on another scale.",
        ("source", "rating.value", "rating.best", "about_name", "author.handle", "brands", "text"),
        "rating.share <= 0.25",
        breakdown="brands",
    ),
)  # fmt: skip
