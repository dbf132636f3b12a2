"""The analysts' dashboard: how much is said, how, about what, by whom and where."""

from typing import Final

from deploy.kibana.board import Board, Control, Drilldown, Link, Panel, Row
from deploy.kibana.data_views import MENTIONS
from deploy.kibana.discover_sessions import LATEST
from deploy.kibana.lens_charts import Axes, Chart, Source, figure, heat_map, series, shares, table
from deploy.kibana.lens_columns import Column, count, distinct, greatest, mean, over_time, top
from queries.elasticsearch.kibana_link import ANALYST_BOARD, CRISIS_BOARD, OPS_BOARD

SENTIMENT: Final = {"negative": "#b8450f", "neutral": "#646d78", "positive": "#1f6fb5"}
"""Label to colour; they stay apart for people who do not see red and green."""
CONTROLS: Final = (
    Control("brands", "Brand"),
    Control("language", "Language"),
    Control("source", "Source"),
)
NEGATIVE: Final = "sentiment.label: negative"
_TO_OPS: Final = Drilldown(OPS_BOARD, "Is this source complete?")


def _about(title: str, description: str, kql: str = "") -> Source:
    return Source(title, description, MENTIONS, kql)


def bars(source: Source, field: str, label: str, size: int = 12) -> Chart:
    """Mentions by the values of a field, most first."""
    mentions = count("Mentions")
    by = top(field, label, size, mentions.id)
    return series(source, by, [mentions], axes=Axes("bar_horizontal"))


def sentiment_columns() -> list[Column]:
    """One count for each sentiment of the text."""
    return [count(label.capitalize(), f"sentiment.label: {label}", label) for label in SENTIMENT]


_FIGURES: Final = Row(
    6,
    (
        Panel(
            "mentions",
            12,
            figure(
                _about("Mentions", "Posts that name a brand, deleted ones left out."),
                count("Mentions"),
                count("original", "kind: original", "original"),
            ),
        ),
        Panel(
            "authors",
            12,
            figure(
                _about("Authors", "Accounts that wrote them; an estimate above some thousands."),
                distinct("author.id", "Authors"),
                distinct("duplicate_group", "different texts", id_="texts"),
            ),
        ),
        Panel(
            "negative",
            12,
            figure(
                _about("Negative", "Mentions whose text as a whole reads as negative."),
                count("Negative mentions", NEGATIVE),
                count("serious complaints", "intents: complaint and not irony.label: true", "own"),
            ),
        ),
        Panel(
            "reach",
            12,
            figure(
                _about("Widest reach", "Followers of the author of the widest post."),
                greatest("influence.reach", "Reach"),
                greatest("influence.engagement", "reactions at most", id_="engagement"),
            ),
        ),
    ),
)
_VOLUME: Final = Row(
    15,
    (
        Panel(
            "volume",
            32,
            series(
                _about("Mentions by brand", "Over time, with a mark where an alert began."),
                over_time("created_at"),
                [count("Mentions")],
                top("brands", "Brand", 8, "count", "split"),
                Axes(marks=True),
            ),
        ),
        Panel(
            "voice",
            16,
            shares(
                _about("Share of voice", "A mention of two brands counts for both."),
                top("brands", "Brand", 8, "count"),
                count("Mentions"),
            ),
        ),
    ),
)
_SENTIMENT: Final = Row(
    14,
    (
        Panel(
            "sentiment",
            24,
            series(
                _about("Sentiment of the texts", "Shares over time, of the text as a whole."),
                over_time("created_at"),
                sentiment_columns(),
                axes=Axes("bar_percentage_stacked", SENTIMENT),
            ),
        ),
        Panel(
            "towards",
            24,
            bars(
                _about(
                    "Sentiment towards brands",
                    "Pairs of brand and sentiment: a post may praise one and blame another. The "
                    "fast tier does not read it.",
                ),
                "brand_sentiment",
                "Brand and sentiment",
                15,
            ),
        ),
    ),
)
_SUBJECTS: Final = Row(
    14,
    (
        Panel(
            "aspects",
            16,
            bars(
                _about("Aspects", "What opinions are about, and whether they are good or bad."),
                "aspect_sentiment",
                "Aspect and sentiment",
            ),
        ),
        Panel(
            "intents",
            16,
            bars(
                _about("Intents", "What authors want: complaints, questions, threats to leave."),
                "intents",
                "Intent",
            ),
        ),
        Panel(
            "emotions",
            16,
            bars(
                _about("Emotions", "The strongest emotion of each text.", "emotion.label: *"),
                "emotion.label",
                "Emotion",
            ),
        ),
    ),
)
_WORDS: Final = Row(
    14,
    (
        Panel(
            "entities",
            16,
            table(
                _about("Names", "People, organisations, places, products and events."),
                [top("entities.text", "Name", 50, "count")],
                [count("Mentions"), count("Negative", NEGATIVE, "negative")],
            ),
        ),
        Panel(
            "hashtags",
            16,
            table(
                _about("Hashtags", "As written."),
                [top("hashtags", "Hashtag", 50, "count")],
                [count("Mentions"), distinct("author.id", "Authors")],
            ),
        ),
        Panel(
            "shared",
            16,
            table(
                _about("Links", "Pages that the posts point to."),
                [top("links", "Link", 50, "count")],
                [count("Mentions"), distinct("author.id", "Authors")],
            ),
        ),
    ),
)
_PEOPLE: Final = Row(
    15,
    (
        Panel(
            "loudest",
            24,
            table(
                _about("Loudest authors", "By number of mentions."),
                [top("author.handle", "Author", 50, "count")],
                [
                    count("Mentions"),
                    greatest("author.followers", "Followers"),
                    greatest("influence.engagement", "Reactions at most", id_="engagement"),
                    count("Negative", NEGATIVE, "negative"),
                ],
            ),
        ),
        Panel(
            "sources",
            24,
            heat_map(
                _about("Sources and languages", "Where the mentions come from."),
                top("language", "Language", 12, "count", "along"),
                top("source", "Source", 10, "count", "down"),
                count("Mentions"),
            ),
            _TO_OPS,
        ),
    ),
)
_PLACES: Final = Row(
    12,
    (
        Panel(
            "countries",
            24,
            bars(
                _about("Countries", "Where the platform states one; most state none."),
                "country",
                "Country",
                20,
            ),
        ),
        Panel(
            "kinds",
            24,
            series(
                _about("Originals, replies, reposts and quotes", "How much is repeated."),
                over_time("created_at"),
                [count("Mentions")],
                top("kind", "Kind", 4, "count", "split"),
                Axes("area_stacked"),
            ),
        ),
    ),
)

_OUTLETS: Final = Row(
    14,
    (
        Panel(
            "ratings",
            16,
            table(
                _about(
                    "Ratings", "Of reviews: the mean as a share of the scale.", "rating.share: *"
                ),
                [top("brands", "Brand", 20, "count")],
                [
                    count("Reviews"),
                    mean("rating.share", "Mean share"),
                    count("Low", "rating.share <= 0.25", "low"),
                ],
            ),
        ),
        Panel(
            "communities",
            16,
            table(
                _about("Communities", "Groups, forums and channels that it is said in."),
                [top("community.name", "Community", 50, "count")],
                [
                    count("Mentions"),
                    greatest("community.members", "Members"),
                    count("Negative", NEGATIVE, "negative"),
                ],
            ),
        ),
        Panel(
            "publishers",
            16,
            table(
                _about("Publishers", "Media that wrote about it, by domain."),
                [top("publisher.domain", "Publisher", 50, "count")],
                [count("Mentions"), count("Negative", NEGATIVE, "negative")],
            ),
        ),
    ),
)

ANALYSTS: Final = Board(
    ANALYST_BOARD,
    "Tocsin: what is said",
    "For analysts: volume, share of voice, sentiment, subjects, authors and places.",
    "now-24h",
    MENTIONS,
    CONTROLS,
    (Link(CRISIS_BOARD, "Crisis desk", False), Link(OPS_BOARD, "Operations", True)),
    (
        _FIGURES,
        _VOLUME,
        _SENTIMENT,
        _SUBJECTS,
        _WORDS,
        _PEOPLE,
        _PLACES,
        _OUTLETS,
        Row(20, (Panel("latest", 48, LATEST.id),)),
    ),
)
