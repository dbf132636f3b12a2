"""Where the people of the generated day live: languages, countries, clocks and money.

A home is one language in one country, so that posts of a language come from several countries, each
with the rhythm of its own day.
"""

from typing import NamedTuple


class Home(NamedTuple):
    language: str
    country: str
    """ISO 3166-1 alpha-2."""
    share: float
    """Share of the posts of its language."""
    ahead: float
    """UTC offset in hours, of winter in the north."""
    money: str
    """How people there write a price."""
    scale: float
    """What a thing that costs 1 euro costs there, roughly."""


LANGUAGES: dict[str, float] = {
    "en": 0.34,
    "fr": 0.30,
    "es": 0.09,
    "de": 0.08,
    "it": 0.06,
    "pt": 0.06,
    "ar": 0.04,
    "hi": 0.03,
}
"""Share of each language among the posts at equal hours."""

HOMES = (
    Home("en", "GB", 0.34, 0.0, "£{}", 1),
    Home("en", "US", 0.28, -6.0, "${}", 1),
    Home("en", "IE", 0.07, 0.0, "€{}", 1),
    Home("en", "CA", 0.08, -5.0, "${}", 1.5),
    Home("en", "AU", 0.07, 10.0, "${}", 1.5),
    Home("en", "NZ", 0.02, 13.0, "${}", 1.7),
    Home("en", "IN", 0.06, 5.5, "₹{}", 40),
    Home("en", "NG", 0.03, 1.0, "₦{}", 500),
    Home("en", "ZA", 0.02, 2.0, "R{}", 15),
    Home("en", "KE", 0.02, 3.0, "KSh {}", 100),
    Home("en", "SG", 0.01, 8.0, "S${}", 1.5),
    Home("fr", "FR", 0.62, 1.0, "{} €", 1),
    Home("fr", "BE", 0.10, 1.0, "{} €", 1),
    Home("fr", "CA", 0.08, -5.0, "{} $", 1.5),
    Home("fr", "CH", 0.06, 1.0, "{} francs", 1),
    Home("fr", "MA", 0.04, 1.0, "{} dirhams", 10),
    Home("fr", "SN", 0.03, 0.0, "{} FCFA", 500),
    Home("fr", "CI", 0.03, 0.0, "{} FCFA", 500),
    Home("fr", "TN", 0.02, 1.0, "{} dinars", 2),
    Home("fr", "LU", 0.02, 1.0, "{} €", 1.2),
    Home("es", "ES", 0.50, 1.0, "{} €", 1),
    Home("es", "MX", 0.20, -6.0, "{} pesos", 15),
    Home("es", "AR", 0.12, -3.0, "{} pesos", 1000),
    Home("es", "CO", 0.10, -5.0, "{} pesos", 3000),
    Home("es", "CL", 0.05, -3.0, "{} pesos", 900),
    Home("es", "PE", 0.03, -5.0, "{} soles", 3),
    Home("de", "DE", 0.72, 1.0, "{} €", 1),
    Home("de", "AT", 0.14, 1.0, "{} €", 1),
    Home("de", "CH", 0.14, 1.0, "{} Franken", 1.2),
    Home("it", "IT", 0.94, 1.0, "{} euro", 1),
    Home("it", "CH", 0.06, 1.0, "{} franchi", 1.2),
    Home("pt", "BR", 0.66, -3.0, "R$ {}", 4),
    Home("pt", "PT", 0.27, 0.0, "{} euros", 1),
    Home("pt", "AO", 0.04, 1.0, "{} kwanzas", 500),
    Home("pt", "MZ", 0.03, 2.0, "{} meticais", 50),
    Home("ar", "EG", 0.35, 2.0, "{} جنيه", 30),
    Home("ar", "SA", 0.20, 3.0, "{} ريال", 4),
    Home("ar", "AE", 0.12, 4.0, "{} درهم", 4),
    Home("ar", "MA", 0.12, 1.0, "{} درهم", 10),
    Home("ar", "TN", 0.08, 1.0, "{} دينار", 2),
    Home("ar", "LB", 0.06, 2.0, "{} دولار", 1),
    Home("ar", "JO", 0.07, 3.0, "{} دينار", 1),
    Home("hi", "IN", 1.00, 5.5, "₹{}", 40),
)
"""Home by home; the shares of a language sum to 1."""

MARKETS = frozenset(("FR", "BE", "CH", "LU", "GB", "IE", "ES", "DE", "AT", "IT", "PT"))
"""The countries whose network fails in the crisis; elsewhere people only talk about it."""


def home_of(language: str, country: str) -> Home:
    return next(home for home in HOMES if home[:2] == (language, country))


def weight(home: Home) -> float:
    """Share of a home among all posts at equal hours."""
    return LANGUAGES[home.language] * home.share
