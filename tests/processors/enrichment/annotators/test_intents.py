"""Intents: golden posts, negation, weak cues, phrases that disable cues; nothing raises."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.enrichment.annotators.intents import IntentAnnotator
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
    ("code", "text", "intent", "meant"),
    [
        ("en", "Still waiting for my refund", "complaint", True),
        ("en", "I will never fly with you again", "threat_to_leave", True),
        ("en", "is it down for anyone?", "question", True),
        ("en", "Please fix the app", "request", True),
        ("en", "Thank you so much to the crew", "praise", True),
        ("en", "where can I buy this", "purchase_intent", True),
        ("en", "huge data breach at the bank", "crisis", True),
        ("fr", "Toujours pas de réponse, service client déplorable", "complaint", True),
        ("fr", "je résilie mon abonnement", "threat_to_leave", True),
        ("fr", "je change d'opérateur", "threat_to_leave", True),
        ("fr", "quelqu'un sait si ça marche", "question", True),
        ("fr", "Répondez-moi svp", "request", True),
        ("fr", "merci à l'équipe", "praise", True),
        ("fr", "j'ai hâte, je vais acheter celui-ci", "purchase_intent", True),
        ("fr", "rappel produit chez X", "crisis", True),
        ("fr", "Le boycott a échoué", "crisis", True),
        ("fr", "#BoycottX", "crisis", True),
        ("es", "me doy de baja", "threat_to_leave", True),
        ("de", "seit Wochen warte ich, keine Antwort", "complaint", True),
        ("it", "grazie mille a tutti", "praise", True),
        ("pt", "alguém sabe o que houve?", "question", True),
        ("pt", "vazamento de dados", "crisis", True),
        ("en", "I'm not going to cancel my subscription", "threat_to_leave", False),
        ("en", "Really?", "complaint", False),
        ("en", "what time do you open?", "complaint", False),
        ("en", "no problem with my order", "complaint", False),
        ("en", "thanks for nothing", "praise", False),
        ("en", "I don't want to buy this", "purchase_intent", False),
        ("en", "watching Total Recall tonight", "crisis", False),
        ("en", "as I recall", "crisis", False),
        ("fr", "je ne change pas d'opérateur", "threat_to_leave", False),
        ("fr", "merci pour rien", "praise", False),
        ("fr", "aucun souci avec la livraison", "complaint", False),
        ("fr", "un accident de parcours", "crisis", False),
        ("fr", "une explosion de saveurs", "crisis", False),
    ],
)
def test_golden(code: str, text: str, intent: str, meant: bool) -> None:
    assert (intent in intents(text, code)) is meant
    assert intents(text, "ja") == set(), "a language without lists"


def test_weak_cues_need_the_sentiment() -> None:
    assert "complaint" in intents("your website", feeling="negative")
    assert "complaint" not in intents("your website", feeling="neutral")
    assert "praise" in intents("great", feeling="positive")
    assert "praise" not in intents("great", feeling="negative")
    assert "crisis" in intents("accident", feeling="neutral")
    assert "crisis" not in intents("accident", feeling="positive")


@pytest.mark.parametrize(
    ("code", "text", "label"),
    [
        ("fr", "Merci de me rappeler au sujet du dossier", "request"),
        ("fr", "merci de régler ma facture", "request"),
        ("en", "thanks in advance for fixing the lift", "request"),
    ],
)
def test_thanks_within_a_request_praise_nobody(code: str, text: str, label: str) -> None:
    found = intents(text, code, feeling="positive")
    if code == "fr":
        assert label in found
    assert "praise" not in found


def test_no_praise_is_in_a_negative_post() -> None:
    text = "merci à toute l'équipe"
    assert "praise" in intents(text, "fr", feeling="positive")
    assert "praise" in intents(text, "fr", feeling="neutral")
    assert "praise" not in intents(text, "fr", feeling="negative")


@settings(max_examples=200, deadline=None)
@example("never " * 99_999, "en")
@example("what " * 99_999 + "?", "en")
@example("😀" * 1_000_000, "en")
@example("?" * 9_999, "en")
@given(ANY_TEXT, st.sampled_from(["en", "fr", "de", "und"]))
def test_nothing_raises(text: str, code: str) -> None:
    intents(text, code)
