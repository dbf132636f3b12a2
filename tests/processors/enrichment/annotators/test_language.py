"""The language annotator passes on text and hint, and keeps the answer."""

from collections.abc import Sequence

from processors.enrichment.annotators.language import LanguageAnnotator
from processors.models.language_model import LanguageIdentifier
from schemas.mention import Language
from tests.processors.enrichment.fakes import mention


class Spy(LanguageIdentifier):
    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def identify(
        self, texts: Sequence[str], hints: Sequence[str | None] | None = None
    ) -> list[tuple[str, float]]:
        assert hints is not None
        self.asked += zip(texts, hints, strict=True)
        return [("fr", 0.5)] * len(texts)


def test_text_and_hint_go_in_and_the_answer_stays() -> None:
    spy = Spy()
    batch = [mention("bonjour", language="fr-FR"), mention("hello")]
    LanguageAnnotator(spy).annotate(batch)
    assert spy.asked == [("bonjour", "fr-FR"), ("hello", None)]
    assert [m.language for m in batch] == [Language(code="fr", confidence=0.5)] * 2


def test_the_hint_is_not_the_answer() -> None:
    french = mention("Toujours aucune réponse du service client depuis des semaines", language="en")
    nothing = mention("🔥 https://example.org/a", language="en")
    LanguageAnnotator().annotate([french, nothing])
    assert french.language and french.language.code == "fr"
    assert nothing.language == Language(code="und", confidence=0)
    assert french.post.language == "en"
