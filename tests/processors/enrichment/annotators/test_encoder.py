"""The encoder annotator: what it refines, in any batch and for any text."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from processors.enrichment.annotators.encoder import EncoderAnnotator, occurrences
from processors.enrichment.annotators.sentiment import SentimentAnnotator
from processors.models.encoder_model import Encoder, Reading
from schemas.mention import Aspect, BrandMatch, Match, Mention, Target
from tests.processors.enrichment.fakes import mention
from text.clauses import Span

POSTS = [
    "I love the new tram, best ride of my life!",
    "Worst flight ever, three hours late and nobody told us anything.",
    "The meeting is on Monday at 9.",
    "Le service client est nul, je suis furieux 😡",
    "Merci à toute l'équipe, un séjour parfait ❤️",
    "شكرا جزيلا على الخدمة الرائعة",
    "",
    "https://example.org/a 12 🙃",
    "a" * 5_000,
    "\ud800\x00\u202e" * 200,
]


@pytest.fixture(scope="module")
def annotator() -> EncoderAnnotator:
    return EncoderAnnotator()


def read(annotator: EncoderAnnotator, *texts: str) -> list[Mention]:
    batch = [mention(text, "en") for text in texts]
    SentimentAnnotator().annotate(batch)
    annotator.annotate(batch)
    return batch


def test_it_tells_good_from_bad_in_several_languages(annotator: EncoderAnnotator) -> None:
    labels = [post.sentiment.label for post in read(annotator, *POSTS[:6]) if post.sentiment]
    assert labels == ["positive", "negative", "neutral", "negative", "positive", "positive"]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Velmora was a joy, friendly crew. Zephalia lost my bag and was rude.", "en"),
        ("I love Velmora, best service ever, but Zephalia cancelled my flight.", "en"),
        ("Merci Velmora, service impeccable. Zephalia est une arnaque.", "fr"),
        ("Zephalia c'est nul, plus jamais. Merci Velmora, service impeccable.", "fr"),
    ],
)
def test_a_post_may_praise_one_brand_and_damn_another(
    annotator: EncoderAnnotator, text: str, language: str
) -> None:
    post = mention(text, language)
    for name in ("Velmora", "Zephalia"):
        at = text.index(name)
        match = Match(text=name, start=at, end=at + len(name))
        post.brands.append(BrandMatch(id=name, matches=[match]))
    annotator.annotate([post])
    velmora, zephalia = (brand.sentiment.score for brand in post.brands if brand.sentiment)
    assert velmora > 0.2
    assert zephalia < -0.2


def test_targets_and_aspects_have_their_own_sentiment(annotator: EncoderAnnotator) -> None:
    post = mention("The food was delicious but the waiter was awfully rude.", "en")
    post.targets = [Target(text="food"), Target(text="waiter"), Target(text="absent")]
    post.aspects = [Aspect(label="staff", text="waiter", start=31, end=37)]
    annotator.annotate([post])
    food, waiter, absent = (target.sentiment for target in post.targets)
    assert food and waiter and food.score > waiter.score
    assert waiter.label == "negative"
    assert absent == post.sentiment, "a target that is not in the text gets that of the post"
    staff = next(aspect for aspect in post.aspects if aspect.text == "waiter")
    assert staff.label == "staff"
    assert staff.sentiment and staff.sentiment.label == waiter.label


class Unreading(Encoder):
    """Finds no token in any text but ``POST``."""

    POST = "Velmora was a joy. Zephalia lost my bag."

    def read(self, texts: Sequence[str], targets: Sequence[Sequence[Span]] = ()) -> list[Reading]:
        read = super().read(texts, targets)
        return [
            one if text == self.POST else Reading() for text, one in zip(texts, read, strict=True)
        ]


def test_a_thing_whose_clauses_have_nothing_to_read_has_the_sentiment_of_the_post() -> None:
    post = mention(Unreading.POST, "en")
    post.targets = [Target(text="Velmora"), Target(text="Zephalia")]
    post.aspects = [Aspect(label="luggage", text="bag", start=36, end=39)]
    EncoderAnnotator(Unreading()).annotate([post])
    assert [target.sentiment for target in post.targets] == [post.sentiment] * 2
    assert all(aspect.sentiment for aspect in post.aspects)


def test_an_answer_does_not_depend_on_the_batch(annotator: EncoderAnnotator) -> None:
    for text, together in zip(POSTS, read(annotator, *POSTS), strict=True):
        (alone,) = read(annotator, text)
        assert alone.sentiment and together.sentiment
        assert alone.sentiment.label == together.sentiment.label
        assert alone.sentiment.score == approx(together.sentiment.score, abs=0.02)
        confidences = [post.emotion and post.emotion.confidence for post in (alone, together)]
        assert confidences[0] == approx(confidences[1], abs=0.02)


def test_a_text_with_nothing_to_read_keeps_what_it_had(annotator: EncoderAnnotator) -> None:
    post = mention("", "en")
    SentimentAnnotator().annotate([post])
    before = post.sentiment
    annotator.annotate([post])
    assert (post.sentiment, post.emotion) == (before, None)


def test_it_decides_what_is_a_complaint(annotator: EncoderAnnotator) -> None:
    angry = mention("@help still no internet after 3 days, nobody answers my calls, fix this", "en")
    happy = mention("what a lovely day in the park", "en")
    happy.intents = ["complaint", "praise"]
    annotator.annotate([angry, happy])
    assert "complaint" in angry.intents
    assert happy.intents == ["praise"]


def test_irony_is_read_in_english_only(annotator: EncoderAnnotator) -> None:
    english = mention("great, another delay", "en")
    french = mention("super, encore un retard", "fr")
    annotator.annotate([english, french])
    assert english.irony and french.toxicity
    assert french.irony is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_is_read_and_offsets_point_into_it(
    annotator: EncoderAnnotator, texts: list[str]
) -> None:
    batch = [mention(text, "it") for text in texts]
    for post in batch:
        post.targets = [Target(text=post.post.text[1:4])]
    annotator.annotate(batch)
    for post in batch:
        for span in (*post.entities, *post.aspects):
            assert span.text == post.post.text[span.start : span.end] != ""


@pytest.mark.parametrize(
    ("text", "phrase", "spans"),
    [
        ("The Food was food", "food", [(4, 8), (13, 17)]),
        ("seafood and food", "food", [(12, 16)]),
        ("seafood", "food", [(3, 7)]),
        ("nothing", "food", []),
        ("nothing", "", []),
        ("İstanbul ist", "ist", [(9, 12)]),
        ("@united!", "@united", [(0, 7)]),
    ],
)
def test_occurrences_of_a_target(text: str, phrase: str, spans: list[tuple[int, int]]) -> None:
    assert occurrences(text, phrase) == spans
