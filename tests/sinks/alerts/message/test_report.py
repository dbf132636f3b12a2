"""The title in the language of the reader, and safe links."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import Alert, Headline
from sinks.alerts.message.catalogue import Style
from sinks.alerts.message.render import subject
from sinks.alerts.message.report import link, report, title
from tests.sinks.alerts.states import blind, state
from tests.strategies import HOSTILE_TEXT

EN, FR = Style("en"), Style("fr", "Europe/Paris")
FACTS = Headline(
    name="Velmora", minutes=30, mentions=1_540, authors=1, times=8.83, negative_share=0.81
)


@pytest.mark.parametrize(
    ("alert", "english", "french"),
    [
        (
            state(headline=FACTS),
            "Velmora: 1,540 mentions in 30 minutes, 8.8 times the usual, 81% negative, 1 author",
            "Velmora\u00a0: 1\u202f540 mentions en 30 minutes, 8,8 fois le niveau habituel, "
            "81\u202f% de négatives, 1 auteur",
        ),
        (
            state(headline=Headline(name="Velmora", minutes=30)),
            "Velmora: 0 mentions in 30 minutes, 0 authors",
            "Velmora\u00a0: 0 mention en 30 minutes, 0 auteur",
        ),
        (
            state(2, "close", headline=FACTS),
            "Velmora: back to the usual",
            "Velmora\u00a0: retour à la normale",
        ),
        # The time is in the reader's zone.
        (
            blind(),
            "x: blind since 2026-01-02 09:05 UTC, quiet may not be calm",
            "x\u00a0: plus de données depuis le 02/01/2026 10:05 CET, "
            "le calme n’est peut-être qu’apparent",
        ),
        (
            state(2, "close", kind="blind", headline=Headline(name="x")),
            "x: speaks again",
            "x\u00a0: les données sont revenues",
        ),
        # A state of before there were headlines has the title that it has.
        (state(), *["Velmora: negative mentions nine times the usual"] * 2),
    ],
)
def test_the_title_is_in_the_readers_language(alert: Alert, english: str, french: str) -> None:
    for style, wanted in ((EN, english), (FR, french)):
        assert title(alert, style) == wanted
        assert subject(report(alert, style)).endswith(wanted)


@given(
    st.builds(
        Headline,
        name=HOSTILE_TEXT,
        minutes=st.integers(0, 10**6),
        mentions=st.integers(0, 10**12),
        authors=st.integers(0, 10**12),
        times=st.none() | st.floats(0, 1e9),
        negative_share=st.none() | st.floats(0, 1),
    ),
    st.sampled_from([EN, FR]),
)
def test_any_facts_are_one_short_harmless_line(facts: Headline, style: Style) -> None:
    line = title(state(headline=facts), style)
    assert len(line) < 250
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", line)


def test_only_addresses_that_lead_where_they_say_are_links() -> None:
    assert link("https://x.com/i/status/1") == "https://x.com/i/status/1"
    for url in (
        None,
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.test",
        "https://bank.test@evil.test/",
        "https://раураl.test/",
        "https://x.com/\nX",
        "https://[bad",
        "https://x.com/" + "a" * 2_000,
    ):
        assert link(url) is None
