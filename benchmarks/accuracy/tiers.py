"""Annotates texts with one tier, and counts crashes and wrong offsets."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotator_table import build_enricher
from processors.enrichment.annotators.base import Annotator
from processors.enrichment.enricher import Enricher
from runtime.settings import ProcessSettings
from schemas.mention import Language, Mention, MentionUpsert
from schemas.post import Author, Post, PostEvent, PostUpsert
from schemas.types import Tier

AT = datetime(2020, 1, 1, tzinfo=UTC)
BATCH = 500


class ToldLanguage:
    """Replaces the language annotator if the language is given."""

    name = "language"
    version = "told"
    heavy = False
    whole = True

    def __init__(self, code: str) -> None:
        self._language = Language(code=code, confidence=1.0)

    def annotate(self, batch: Sequence[Mention]) -> None:
        for mention in batch:
            mention.language = self._language


@dataclass
class TierReader:
    """One tier with its counts."""

    tier: Tier
    enricher: Enricher
    posts: int = 0
    crashed: int = 0
    """Posts that made an annotator raise."""
    offsets: int = 0
    """Entities, aspects and brand matches whose places were looked at."""
    wrong_offsets: list[str] = field(default_factory=list)
    """Those of them whose text is not what stands there."""

    @classmethod
    def load(cls, tier: Tier) -> "TierReader":
        """The default annotators; raises ConfigurationError if a model is missing."""
        matcher = BrandMatcher(())
        settings = ProcessSettings(tier=tier, keep_unmatched=True)
        return cls(tier, build_enricher(settings, lambda: matcher, prefilter=False))

    @property
    def versions(self) -> dict[str, str]:
        return {a.name: a.version for a in (*self.enricher.annotators, *self.enricher.accurate)}

    def read(
        self,
        texts: Sequence[str],
        names: Sequence[str] = (),
        *,
        language: str | None = None,
        targets: Sequence[Sequence[str]] = (),
    ) -> list[Mention | None]:
        """A mention for each text, None where reading it failed.

        ``names``: the annotators to run, all if None; ``language``: the given language of all
        texts; ``targets``: the targets of the sentiment, per text.
        """
        enricher = self._chosen(names, language)
        found: list[Mention | None] = []
        for begin in range(0, len(texts), BATCH):
            events = [
                _event(begin + number, text)
                for number, text in enumerate(texts[begin : begin + BATCH])
            ]
            asked = {
                event.id: list(asked_of)
                for event, asked_of in zip(events, targets[begin : begin + BATCH], strict=False)
            }
            found += self._enriched(enricher, events, asked)
        return found

    def _chosen(self, names: Sequence[str], language: str | None) -> Enricher:
        def wanted(annotators: Sequence[Annotator]) -> list[Annotator]:
            return [
                ToldLanguage(language) if language and one.name == "language" else one
                for one in annotators
                if not names or one.name in names
            ]

        return Enricher(
            wanted(self.enricher.annotators),
            accurate=wanted(self.enricher.accurate),
            keep_unmatched=True,
            prefilter=False,
        )

    def _enriched(
        self, enricher: Enricher, events: list[PostEvent], asked: dict[str, list[str]]
    ) -> list[Mention | None]:
        try:
            mentions = enricher.enrich(events, AT, targets=asked).mentions
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            if len(events) > 1:
                return [one for event in events for one in self._enriched(enricher, [event], asked)]
            self.posts += 1
            self.crashed += 1
            print(f"{self.tier}: a post made an annotator raise {error!r}")
            return [None]
        result: list[Mention | None] = []
        for event in mentions:
            assert isinstance(event, MentionUpsert)
            self._check(event.mention)
            result.append(event.mention)
        return result

    def _check(self, mention: Mention) -> None:
        self.posts += 1
        for problem in wrong_offsets(mention):
            self.wrong_offsets.append(problem)
        self.offsets += sum(1 for _ in _places(mention))


def wrong_offsets(mention: Mention) -> list[str]:
    """Annotations whose offsets do not match their text."""
    text = mention.post.text
    return [
        f"{what!r} at {start}:{end} is {text[start:end]!r}"
        for what, start, end in _places(mention)
        if text[start:end] != what or not what
    ]


def _places(mention: Mention) -> list[tuple[str, int, int]]:
    return [
        *((one.text, one.start, one.end) for one in mention.entities),
        *((one.text, one.start, one.end) for one in mention.aspects),
        *(
            (match.text, match.start, match.end)
            for brand in mention.brands
            for match in brand.matches
            if match.field == "text" and match.start is not None and match.end is not None
        ),
    ]


def _event(number: int, text: str) -> PostEvent:
    post = Post(id=f"eval:{number}", source="eval", author=Author(id="1"), text=text, created_at=AT)
    return PostUpsert(id=post.id, source="eval", version=1, ingested_at=AT, post=post)
