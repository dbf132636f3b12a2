"""The generated day: reproducible, ordered, and with the promised distributions."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestors.generator.accounts import brands
from ingestors.generator.homes import LANGUAGES
from ingestors.generator.source import GeneratorSource, generate
from ingestors.pacing import event_time
from schemas.bounds import bound_post
from schemas.codec import BRAND, POST_EVENT
from schemas.errors import ConfigurationError
from schemas.ids import microseconds, time_of
from schemas.post import Post, PostEvent, PostUpsert
from tests.ingestors.reading import FakeTime, drain, drain_paced, events_of

START = datetime(2026, 3, 2, tzinfo=UTC)
POSTS = 20_000
ROOT = Path(__file__).resolve().parents[3]


def digest(events: list[PostEvent]) -> str:
    return hashlib.sha256(b"\n".join(map(POST_EVENT.encode, events))).hexdigest()


def test_the_same_seed_gives_the_same_bytes(day: list[PostEvent]) -> None:
    assert digest(list(generate(7, POSTS, START))) == digest(day)
    assert digest(list(generate(8, POSTS, START))) != digest(day)


def test_the_bytes_depend_on_no_hash_seed() -> None:
    code = (
        "from datetime import UTC, datetime\nfrom hashlib import sha256\n"
        "from ingestors.generator.source import generate\nfrom schemas.codec import POST_EVENT\n"
        "day = generate(7, 2000, datetime(2026, 3, 2, tzinfo=UTC))\n"
        "print(sha256(b'\\n'.join(map(POST_EVENT.encode, day))).hexdigest())"
    )
    digests = set()
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        digests.add(subprocess.check_output([sys.executable, "-c", code], env=environment))
    assert digests == {digest(list(generate(7, 2000, START))).encode() + b"\n"}


def test_every_event_is_valid_in_order_and_within_the_day(day: list[PostEvent]) -> None:
    times = [event_time(event) for event in day]
    assert times == sorted(times)
    assert times[0] >= START and times[-1] < START + timedelta(days=1)
    for event in day:
        assert POST_EVENT.decode(POST_EVENT.encode(event)) == event
        assert event.version == microseconds(event_time(event))
        assert time_of(event.id) is None
        if isinstance(event, PostUpsert):
            assert bound_post(event.post, event.ingested_at) == event.post


def test_ids_are_unique_and_changes_follow_their_post(day: list[PostEvent]) -> None:
    seen: dict[str, int] = {}
    for event in day:
        changes = not isinstance(event, PostUpsert) or event.post.edited_at
        assert bool(changes) == (event.id in seen)
        assert event.version > seen.get(event.id, -1)
        seen[event.id] = event.version
    assert len(seen) == POSTS


def test_shares(day: list[PostEvent], posts: list[Post]) -> None:
    assert len(posts) == POSTS
    deletes = sum(event.op == "delete" for event in day)
    assert 0.005 < deletes / POSTS < 0.03
    assert 0.01 < (len(day) - len(posts) - deletes) / POSTS < 0.05, "edits"
    languages = Counter(post.language for post in posts)
    assert {name for name, _ in languages.most_common(2)} == {"en", "fr"}
    assert set(languages) == set(LANGUAGES)
    assert {post.source for post in posts} == {"x", "bluesky", "reddit", "news", "forum", "reviews"}
    assert {post.kind for post in posts} == {"original", "reply", "repost", "quote"}
    assert 0.25 < sum("brand" not in post.labels for post in posts) / POSTS < 0.42
    assert {post.labels.get("brand") for post in posts} == {None, *(b.id for b in brands())}
    assert 0 < sum(bool(post.author.verified) for post in posts) / POSTS < 0.1


def test_followings_and_activity_are_unequal(posts: list[Post]) -> None:
    followers = sorted(post.author.followers for post in posts if post.author.followers is not None)
    assert followers[len(followers) // 2] < 100 < 50_000 < followers[-2]
    wide = {post.author.id for post in posts if (post.author.followers or 0) >= 100_000}
    people = {author for author in wide if not author.startswith("gen-brand-")}
    assert len(people) == 1, "the person of the crisis, whose complaint alone is an alert"
    written = Counter(post.author.id for post in posts)
    assert max(written.values()) > 30
    assert sum(count == 1 for count in written.values()) > len(written) / 2


def test_labels_tell_the_truth_about_names(posts: list[Post]) -> None:
    names = {brand.id: [*brand.names, *brand.handles] for brand in brands()}
    for post in posts:
        text = f"{post.text} {post.title or ''}".lower()
        brand = post.labels.get("brand")
        if brand is not None:
            assert any(name.lower() in text for name in names[brand]), post
        elif post.labels["topic"] == "word":
            assert "mirabelle" in text or "mirabellen" in text
        elif "owned" not in post.labels:
            own = re.sub(r"https?://\S+|^@\S+", "", text)
            assert not any(name.lower() in own for name in chain(*names.values())), post
        assert post.labels["sentiment"] in ("negative", "neutral", "positive")
        assert "{" not in text


def test_references_are_earlier_posts_of_the_same_channel(posts: list[Post]) -> None:
    seen: dict[str, Post] = {}
    for post in posts:
        for target in (post.reply_to, post.repost_of, post.quote_of):
            assert target is None or seen[target].source == post.source
        if post.repost_of:
            assert post.text == seen[post.repost_of].text
        seen[post.id] = post


def test_one_crisis_builds_over_forty_minutes(posts: list[Post]) -> None:
    crisis = [post for post in posts if "crisis" in post.labels]
    assert {post.labels.get("brand") for post in crisis} <= {"velmora", None}
    named = [post for post in crisis if post.labels.get("brand") == "velmora"]
    assert sum(post.labels["sentiment"] == "negative" for post in named) > 0.7 * len(named)
    first = START + timedelta(hours=24 * 0.55)
    assert crisis[0].created_at >= first
    per_ten = Counter((post.created_at - first) // timedelta(minutes=10) for post in crisis)
    assert per_ten[0] < per_ten[1] < per_ten[2] < per_ten[3]
    assert max(per_ten, key=lambda step: per_ten[step]) in (3, 4, 5)
    assert per_ten[5] > per_ten[9] > per_ten[15]
    assert sum("VelmoraDown" in post.hashtags for post in crisis) > len(crisis) / 3
    influencer = next(post for post in crisis if post.labels.get("turn") == "influencer")
    article = next(post for post in crisis if post.source == "news")
    assert (influencer.author.followers or 0) > 1_000_000
    assert first < influencer.created_at < article.created_at < first + timedelta(minutes=40)


def test_spam_comes_in_near_identical_copies_of_young_accounts(posts: list[Post]) -> None:
    spam = [p for p in posts if p.labels.get("copy") == "spam"]
    texts = Counter(re.sub(r"https://\S+", "", post.text) for post in spam)
    assert max(texts.values()) >= 5
    assert len({post.author.id for post in spam}) > len(spam) * 0.9
    assert all(post.text.startswith(tuple(texts)) for post in spam)


def test_brands_are_valid_and_know_their_peers() -> None:
    ids = {brand.id for brand in brands()}
    assert len(ids) == 5
    for brand in brands():
        assert BRAND.decode(BRAND.encode(brand)) == brand
        assert set(brand.peers) <= ids - {brand.id}
        assert len(brand.owned) == 2


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(-(2**40), 2**70),
    count=st.integers(0, 60),
    seconds=st.integers(1, 200_000),
    day=st.integers(0, 36_500),
)
def test_any_day_has_its_posts_in_order(seed: int, count: int, seconds: int, day: int) -> None:
    start = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=day)
    events = list(generate(seed, count, start, timedelta(seconds=seconds)))
    assert len({event.id for event in events}) == count
    times = [event_time(event) for event in events]
    assert times == sorted(times)


def test_wrong_arguments_are_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    for arguments in ((1, -1, START), (1, 1, START, timedelta(0)), (1, 1, naive)):
        with pytest.raises(ConfigurationError):
            generate(*arguments)  # type: ignore[arg-type]


# As a source


def generator(time: FakeTime, pace: float | None = None, **options: int) -> GeneratorSource:
    options = {"posts": 1500, **options}
    return GeneratorSource(
        pace=pace, clock=time.clock, timer=time.timer, sleep=time.sleep, **options
    )


def written(events: Iterable[PostEvent]) -> list[tuple[str, int, Post | None]]:
    """The fields that do not depend on the time of reading."""
    return [(event.id, event.version, getattr(event, "post", None)) for event in events]


def test_the_source_plays_the_day_that_ends_now_and_resumes_at_any_batch() -> None:
    time = FakeTime()
    batches = drain(generator(time))
    whole = events_of(batches)
    assert written(whole) == written(generate(1, 1500, time.start - timedelta(days=1)))
    assert all(event.ingested_at == time.start for event in whole)
    given = 0
    for batch in batches:
        given += len(batch.events)
        time.passed += 3600
        rest = events_of(drain(generator(time), batch.position))
        assert written(rest) == written(whole[given:])


def test_the_source_keeps_the_pace() -> None:
    time = FakeTime()
    drain_paced(generator(time, pace=3600.0, posts=200), time)
    assert 20 < time.passed < 25
