"""What a check calls a mention is what the stream makes one; every match has one fate."""

from hypothesis import given, settings
from hypothesis import strategies as st

from brands.brand_matcher import BrandMatcher
from processors.enrichment.annotators.brands import BrandAnnotator
from schemas.brand import Brand, Example
from tests import make
from tocsin.offline.brand_check import BrandsCheck, check_posts

EXAMPLES = [
    Example(text="ma box orange ne marche plus", about=True),
    Example(text="la facture orange du mois", about=True),
    Example(text="une orange et du pain", about=False),
    Example(text="le jus d'orange du matin", about=False),
]
BRANDS = [
    Brand(id="fruit", name="Orange", examples=EXAMPLES, exclude=["orange amère"]),
    Brand(id="french", name="Velmora", languages=["fr"], exclude=["rue Velmora"]),
    Brand(id="any", name="Velmora"),
    Brand(id="query", name="Q", query="velmora AND panne", languages=["en"]),
]
WORDS = st.sampled_from(
    ["orange", "amère", "velmora", "rue", "panne", "box", "jus", "pain", "facture"]
)
POSTS = st.lists(st.tuples(st.lists(WORDS, max_size=6), st.sampled_from(["fr", "en", "und"])))


@settings(max_examples=40)
@given(POSTS, st.integers(0, 3))
def test_the_kept_are_the_mentions_of_the_stream(
    posts: list[tuple[list[str], str]], size: int
) -> None:
    batch = [make.mention(" ".join(words) or "-", language=code) for words, code in posts]
    check = check_posts(BRANDS, [batch[:3], batch[3:]], size)
    matcher = BrandMatcher(BRANDS)
    BrandAnnotator(lambda: matcher).annotate(batch)
    assert check.read == len(batch)
    for brand in BRANDS:
        of_brand = check.by_brand[brand.id]
        kept = sum(any(match.id == brand.id for match in mention.brands) for mention in batch)
        assert of_brand.counts["kept"] == kept
        assert (brand.id in check.idle()) is (kept == 0)
        for fate, samples in of_brand.samples.items():
            assert len(samples) == min(size, of_brand.counts[fate])


def test_brands_with_the_same_posts_are_told() -> None:
    check = BrandsCheck([BRANDS[1], BRANDS[2]], 0)
    check.add([make.mention("velmora en panne", language="fr") for _ in range(4)])
    assert [tuple(pair) for pair in check.shared()] == [("any", "french", 4, 4)]
    check.add(
        [
            make.mention("velmora is down again since seven this morning", language="en")
            for _ in range(4)
        ]
    )
    assert not list(check.shared())
