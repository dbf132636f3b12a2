"""How people type: errors and emoji, but never in the names that labels speak of."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ingestors.generator.finish import finish, roughen

TEXT = "l'appli Velmora plante à chaque ouverture depuis lundi. Le chat Velmora ne répond pas."
names = st.sampled_from(["Velmora", "#velmora", "@velmora_mobile", "Banque Corvane", ""])


@given(
    seed=st.integers(0, 2**32),
    before=st.text(max_size=60),
    name=names,
    after=st.text(max_size=60),
    sentiment=st.sampled_from(["negative", "neutral", "positive"]),
)
def test_the_name_is_kept_and_nothing_grows_out_of_it(
    seed: int, before: str, name: str, after: str, sentiment: str
) -> None:
    text = f"{before} {name} {after}"
    rough = roughen(random.Random(seed), text, name, sentiment)
    assert f" {name} " in rough or name in rough.split() or not name.strip()
    assert len(rough) <= 3 * len(text) + 5


def test_some_posts_are_typed_carelessly_in_many_ways() -> None:
    rng = random.Random(3)
    texts = Counter(roughen(rng, TEXT, "Velmora", "negative") for _ in range(2_000))
    assert 0.6 < texts[TEXT] / 2_000 < 0.9
    assert len(texts) > 60
    assert any(text.isupper() for text in (text.replace("Velmora", "") for text in texts))


def test_a_hashtag_and_emoji_end_a_post() -> None:
    rng = random.Random(4)
    texts = [finish(rng, TEXT, "negative", "Velmora", "SAV") for _ in range(500)]
    assert all("#SAV" in text for text in texts)
    ends = Counter(text.rsplit("#SAV", 1)[1].strip()[:1] for text in texts)
    assert 0.7 < ends[""] / 500 < 0.95 and len(ends) > 4
