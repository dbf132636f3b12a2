"""The words that stand around the facts of an alert, in each language of a desk."""

from typing import Literal

Language = Literal["fr", "en"]

WORDS: dict[str, tuple[str, str]] = {
    # key: (French, English)
    "open": ("ouverte", "opened"),
    "update": ("mise à jour", "updated"),
    "close": ("clôturée", "closed"),
    "crisis": ("crise", "crisis"),
    "blind": ("sans données", "blind"),
    "organic": ("spontané", "organic"),
    "amplified": ("amplifié (surtout des copies)", "amplified (mostly copies)"),
    "coordinated": (
        "coordonné (comptes jeunes ou synchrones)",
        "coordinated (young or synchronous accounts)",
    ),
    "first": ("premier", "first"),
    "most_seen": ("le plus vu", "most seen"),
    "typical": ("typique", "typical"),
    "influential": ("influent", "influential"),
    "volume": ("mentions", "mentions"),
    "authors": ("auteurs distincts", "distinct authors"),
    "discounted_volume": (
        "mentions sans copies ni comptes coordonnés",
        "mentions without copies and coordinated accounts",
    ),
    "negative_share": ("part de négatifs", "share of negatives"),
    "sentiment": ("sentiment moyen", "mean sentiment"),
    "reach": ("portée", "reach"),
    "topic": ("sujet nouveau", "new topic"),
    "influencer": ("auteur influent", "influential author"),
    "lexicon": ("lexique de crise", "crisis lexicon"),
    "spread": ("sources et pays", "sources and countries"),
    "unit_posts": ("publications", "posts"),
    "unit_mentions": ("mentions", "mentions"),
    "unit_authors": ("auteurs", "authors"),
    "unit_accounts": ("comptes", "accounts"),
    "unit_views": ("vues", "views"),
    "unit_followers": ("abonnés", "followers"),
    "unit_sources": ("sources", "sources"),
    "unit_countries": ("pays", "countries"),
    "title_close": ("retour à la normale", "back to the usual"),
    "title_in": ("{} en {}", "{} in {}"),
    "title_times": ("{} fois le niveau habituel", "{} times the usual"),
    "title_negative": ("{} de négatives", "{} negative"),
    "title_blind": (
        "plus de données depuis le {}, le calme n’est peut-être qu’apparent",
        "blind since {}, quiet may not be calm",
    ),
    "title_speaks": ("les données sont revenues", "speaks again"),
    "one_minutes": ("{} minute", "{} minute"),
    "many_minutes": ("{} minutes", "{} minutes"),
    "one_mentions": ("{} mention", "{} mention"),
    "many_mentions": ("{} mentions", "{} mentions"),
    "one_authors": ("{} auteur", "{} author"),
    "many_authors": ("{} auteurs", "{} authors"),
    "brand": ("Marque", "Brand"),
    "severity": ("Gravité", "Severity"),
    "status": ("État", "Status"),
    "kind": ("Nature", "Kind"),
    "of_5": ("{} sur 5", "{} of 5"),
    "since": ("Depuis", "Since"),
    "decided": ("Décision", "Decided"),
    "muted": ("En sourdine\u00a0: personne n’est réveillé", "Muted: nobody is woken"),
    "moved": ("Ce qui a bougé", "What moved"),
    "usually": ("d’ordinaire {}", "usually {}"),
    "significance": ("significativité {}", "significance {}"),
    "points": ("{} points", "{} points"),
    "who": ("Qui en parle", "Who speaks"),
    "mentions": ("Mentions", "Mentions"),
    "distinct_authors": ("Auteurs distincts", "Distinct authors"),
    "duplicates": ("Quasi-doublons", "Near-duplicates"),
    "authenticity": ("Authenticité", "Authenticity"),
    "carried": ("Qui l’a porté", "Who carried it"),
    "lifted": ("Plus dit qu’avant", "Said more than before"),
    "expected": ("attendu {}", "expected {}"),
    "entities": ("Plus nommé qu’avant", "Named more than before"),
    "shown": ("Publications", "Posts"),
    "seen": ("portée {}", "reach {}"),
    "felt": ("sentiment {}", "sentiment {}"),
    "split": ("Répartition", "Split"),
    "sources": ("Sources", "Sources"),
    "languages": ("Langues", "Languages"),
    "countries": ("Pays", "Countries"),
    "more": ("et {} autres", "and {} more"),
    "alert": ("Alerte", "Alert"),
    "colon": ("\u00a0: ", ": "),
    "open_quote": ("«\u00a0", "“"),
    "close_quote": ("\u00a0»", "”"),
    "history": ("Historique", "History"),
    "states": ("États", "States"),
    "desk": ("Suivi", "Desk"),
    "acknowledged_by": ("Prise en compte par", "Acknowledged by"),
    "assigned_to": ("Confiée à", "Assigned to"),
    "closed_by": ("Clôturée par", "Closed by"),
    "escalated": (
        "Aggravée depuis sa clôture\u00a0: gravité {} alors",
        "Graver since it was closed: severity {} then",
    ),
    "did_acknowledged": ("prend en compte", "acknowledged"),
    "did_assigned": ("confie à {}", "assigned to {}"),
    "did_closed": ("clôture", "closed"),
    "did_noted": ("note", "noted"),
}


def unit_word(name: str, language: Language) -> str:
    """A unit in words; one that is not known stands for itself, and a score has none."""
    known = f"unit_{name}"
    return word(known, language) if known in WORDS else "" if name == "score" else name


def word(key: str, language: Language) -> str:
    """The word for ``key``; a key that is not known stands for itself."""
    pair = WORDS.get(key)
    if pair is None:
        return key
    return pair[0] if language == "fr" else pair[1]


def grouped(value: float, language: Language, digits: int = 1) -> str:
    """A number as the language writes it: ``1,234.5``, or with a comma and narrow spaces."""
    text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    text = "0" if text == "-0" else text
    text = text.replace("-", "−")
    if language == "fr":
        text = text.replace(",", "\u202f").replace(".", ",")
    return text


def counted(noun: str, count: int, language: Language) -> str:
    """A number and its noun: ``1 author``, ``0 authors``; in French ``0 auteur``."""
    one = count == 1 or (language == "fr" and count == 0)
    shape = word(f"{'one' if one else 'many'}_{noun}", language)
    return shape.format(grouped(count, language))


def percent(share: float, language: Language) -> str:
    """A share as a percentage; below ten with one digit, so that 0.4 % is not none."""
    digits = 1 if 0 < abs(share) < 0.1 else 0
    return grouped(share * 100, language, digits) + ("\u202f%" if language == "fr" else "%")
