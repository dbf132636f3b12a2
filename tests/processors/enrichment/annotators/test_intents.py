"""Intents: golden posts, negation, weak cues, phrases that disable cues; nothing raises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.intents import IntentAnnotator
from schemas.errors import ConfigurationError
from schemas.mention import Sentiment
from schemas.types import SentimentLabel
from tests.processors.enrichment.fakes import mention
from tests.strategies import ANY_TEXT

ANNOTATOR = IntentAnnotator()


def intents(text: str, code: str = "en", feeling: SentimentLabel | None = None) -> set[str]:
    read = mention(text, code)
    if feeling:
        shares = {"negative": 0.05, "neutral": 0.05, "positive": 0.05, feeling: 0.9}
        read.sentiment = Sentiment(label=feeling, score=0, **shares)
    ANNOTATOR.annotate([read])
    return set(read.intents)


@pytest.mark.parametrize(
    ("code", "text", "intent"),
    [
        ("en", "Still waiting for my refund", "complaint"),
        ("en", "I will never fly with you again", "threat_to_leave"),
        ("en", "is it down for anyone?", "question"),
        ("en", "Please fix the app", "request"),
        ("en", "Thank you so much to the crew", "praise"),
        ("en", "where can I buy this", "purchase_intent"),
        ("en", "huge data breach at the bank", "crisis"),
        ("fr", "Toujours pas de réponse, service client déplorable", "complaint"),
        ("fr", "je résilie mon abonnement", "threat_to_leave"),
        ("fr", "je change d'opérateur", "threat_to_leave"),
        ("fr", "quelqu'un sait si ça marche", "question"),
        ("fr", "Répondez-moi svp", "request"),
        ("fr", "merci à l'équipe", "praise"),
        ("fr", "j'ai hâte, je vais acheter celui-ci", "purchase_intent"),
        ("fr", "rappel produit chez X", "crisis"),
        ("fr", "Le boycott a échoué", "crisis"),
        ("fr", "#BoycottX", "crisis"),
        ("es", "me doy de baja", "threat_to_leave"),
        ("de", "seit Wochen warte ich, keine Antwort", "complaint"),
        ("it", "grazie mille a tutti", "praise"),
        ("pt", "alguém sabe o que houve?", "question"),
        ("pt", "vazamento de dados", "crisis"),
    ],
)
def test_golden(code: str, text: str, intent: str) -> None:
    assert intent in intents(text, code)


@pytest.mark.parametrize(
    ("code", "text", "intent"),
    [
        ("en", "I'm not going to cancel my subscription", "threat_to_leave"),
        ("en", "Really?", "complaint"),
        ("en", "what time do you open?", "complaint"),
        ("en", "no problem with my order", "complaint"),
        ("en", "thanks for nothing", "praise"),
        ("en", "I don't want to buy this", "purchase_intent"),
        ("en", "watching Total Recall tonight", "crisis"),
        ("en", "as I recall", "crisis"),
        ("fr", "je ne change pas d'opérateur", "threat_to_leave"),
        ("fr", "merci pour rien", "praise"),
        ("fr", "aucun souci avec la livraison", "complaint"),
        ("fr", "un accident de parcours", "crisis"),
        ("fr", "une explosion de saveurs", "crisis"),
    ],
)
def test_what_is_not_meant(code: str, text: str, intent: str) -> None:
    assert intent not in intents(text, code)


def test_weak_cues_need_the_sentiment() -> None:
    assert "complaint" in intents("your website", feeling="negative")
    assert "complaint" not in intents("your website", feeling="neutral")
    assert "praise" in intents("great", feeling="positive")
    assert "praise" not in intents("great", feeling="negative")
    assert "crisis" in intents("accident", feeling="neutral")
    assert "crisis" not in intents("accident", feeling="positive")


def test_a_language_without_lists_has_none() -> None:
    assert intents("please fix this", "ja") == set()


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT, st.sampled_from(["en", "fr", "de", "und"]))
def test_nothing_raises(text: str, code: str) -> None:
    intents(text, code)


@pytest.mark.parametrize(
    "text", ["never " * 99_999, "what " * 99_999 + "?", "😀" * 1_000_000, "?" * 9_999]
)
def test_hostile_text(text: str) -> None:
    intents(text)


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="anger"):
        IntentAnnotator({"en": {"anger": ["grr"]}}, {})
