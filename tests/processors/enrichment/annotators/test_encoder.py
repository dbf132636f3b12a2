"""The encoder over mentions: what it refines, whatever the batch and whatever the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.encoder import EncoderAnnotator, occurrences
from processors.enrichment.annotators.sentiment import SentimentAnnotator
from schemas.mention import Aspect, BrandMatch, Match, Mention, Target
from tests.processors.enrichment.fakes import mention

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
    found = [one.sentiment.label for one in read(annotator, *POSTS[:6]) if one.sentiment]
    assert found == ["positive", "negative", "neutral", "negative", "positive", "positive"]


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
    one = mention(text, language)
    one.brands = [
        BrandMatch(id=name.lower(), matches=[Match(text=name, start=at, end=at + len(name))])
        for name in ("Velmora", "Zephalia")
        for at in (text.index(name),)
    ]
    annotator.annotate([one])
    scores = {brand.id: brand.sentiment.score for brand in one.brands if brand.sentiment}
    assert scores["velmora"] > 0.2
    assert scores["zephalia"] < -0.2


def test_targets_and_aspects_have_their_own_sentiment(annotator: EncoderAnnotator) -> None:
    one = mention("The food was delicious but the waiter was awfully rude.", "en")
    one.targets = [Target(text="food"), Target(text="waiter"), Target(text="absent")]
    one.aspects = [Aspect(label="staff", text="waiter", start=31, end=37)]
    annotator.annotate([one])
    food, waiter, absent = (target.sentiment for target in one.targets)
    assert food is not None
    assert waiter is not None
    assert food.score > waiter.score
    assert waiter.label == "negative"
    assert absent == one.sentiment, "what the text does not name gets the sentiment of the post"
    staff = next(aspect for aspect in one.aspects if aspect.text == "waiter")
    assert staff.label == "staff"
    assert staff.sentiment is not None
    assert staff.sentiment.label == waiter.label


def test_an_answer_does_not_depend_on_the_batch(annotator: EncoderAnnotator) -> None:
    together = read(annotator, *POSTS)
    for text, one in zip(POSTS, together, strict=True):
        (alone,) = read(annotator, text)
        assert alone.sentiment is not None
        assert one.sentiment is not None
        assert alone.sentiment.label == one.sentiment.label
        assert alone.sentiment.score == pytest.approx(one.sentiment.score, abs=0.02)
        assert alone.emotion == one.emotion or (
            alone.emotion is not None
            and one.emotion is not None
            and alone.emotion.confidence == pytest.approx(one.emotion.confidence, abs=0.02)
        )


def test_a_text_with_nothing_to_read_keeps_what_it_had(annotator: EncoderAnnotator) -> None:
    one = mention("", "en")
    SentimentAnnotator().annotate([one])
    before = one.sentiment
    annotator.annotate([one])
    assert (one.sentiment, one.emotion) == (before, None)


def test_it_decides_what_is_a_complaint(annotator: EncoderAnnotator) -> None:
    angry = mention("@help still no internet after 3 days, nobody answers my calls, fix this", "en")
    happy = mention("what a lovely day in the park", "en")
    happy.intents = ["complaint", "praise"]
    annotator.annotate([angry, happy])
    assert "complaint" in angry.intents
    assert happy.intents == ["praise"]


def test_irony_is_said_of_english_alone(annotator: EncoderAnnotator) -> None:
    english = mention("great, another delay", "en")
    french = mention("super, encore un retard", "fr")
    annotator.annotate([english, french])
    assert english.irony is not None
    assert french.irony is None
    assert french.toxicity is not None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_is_read_and_offsets_point_into_it(
    annotator: EncoderAnnotator, texts: list[str]
) -> None:
    batch = [mention(text, "it") for text in texts]
    for one in batch:
        one.targets = [Target(text=one.post.text[1:4])]
    annotator.annotate(batch)
    for one in batch:
        for entity in one.entities:
            assert entity.text == one.post.text[entity.start : entity.end] != ""
        for aspect in one.aspects:
            assert aspect.text == one.post.text[aspect.start : aspect.end] != ""


@pytest.mark.parametrize(
    ("text", "wanted", "places"),
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
def test_places_of_a_target(text: str, wanted: str, places: list[tuple[int, int]]) -> None:
    assert occurrences(text, wanted) == places
