"""What a control tower shows of the day: countries, pictures, links, threads, ratings, press."""

import random
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from ingestors.generator.accounts import CRISIS_TAG, ROLE_OF, ROLES
from ingestors.generator.attachments import MEDIA_HOST
from ingestors.generator.homes import HOMES, MARKETS
from ingestors.generator.phrase_book import phrases
from ingestors.generator.schedule import Moment, Schedule
from ingestors.generator.writer import Writer
from schemas.post import Post, PostEvent, PostUpsert

START = datetime(2026, 3, 2, tzinfo=UTC)
SOCIAL = {"x", "bluesky"}
OWN = re.compile(r"https?://\S+|@\S+")


def originals(posts: list[Post]) -> list[Post]:
    return [post for post in posts if post.kind == "original" and "copy" not in post.labels]


def share(posts: list[Post], of: list[Post]) -> float:
    return len(posts) / len(of)


def depth(post: Post, by_id: dict[str, Post]) -> int:
    """Answers between the post and the first one of its conversation."""
    return 0 if post.reply_to is None else 1 + depth(by_id[post.reply_to], by_id)


# Countries


def test_most_posts_have_a_country_that_speaks_their_language(posts: list[Post]) -> None:
    spoken = defaultdict(set)
    for home in HOMES:
        spoken[home.language].add(home.country)
    with_country = [post for post in posts if post.country]
    assert 0.65 < share(with_country, posts) < 0.9
    for post in with_country:
        language = post.language or ""
        assert post.country in spoken[language]
        places = phrases(language).words.places[post.country]
        assert post.place is None or post.place in places
    assert not any(post.place for post in posts if not post.country)
    assert 0.2 < share([post for post in posts if post.place], posts) < 0.5
    assert {post.country for post in posts} == {None, *(home.country for home in HOMES)}


def test_an_author_stays_in_one_country(posts: list[Post]) -> None:
    homes = defaultdict(set)
    for post in posts:
        if post.source != "news":  # the country of an article is that of its publisher
            homes[post.author.id].add((post.country, post.place))
    assert all(len(seen) == 1 for seen in homes.values())


def test_nights_are_quiet_in_each_country(posts: list[Post]) -> None:
    for language, country in (("fr", "FR"), ("en", "US"), ("en", "AU"), ("pt", "BR"), ("hi", "IN")):
        ahead = next(home.ahead for home in HOMES if home[:2] == (language, country))
        hours = Counter(
            (post.created_at + timedelta(hours=ahead)).hour
            for post in posts
            if post.country == country and post.language == language and "crisis" not in post.labels
        )
        night, evening = (sum(hours[hour] for hour in span) for span in ((2, 3, 4), (19, 20, 21)))
        assert night * 3 < evening


def test_people_suffer_from_the_crisis_where_the_brand_is(posts: list[Post]) -> None:
    told = [post for post in posts if post.country]
    crisis = [post for post in told if "crisis" in post.labels]
    here = [post for post in crisis if post.country in MARKETS]
    ordinary = [post for post in told if "crisis" not in post.labels]
    assert share(here, crisis) > 0.85
    assert share([post for post in ordinary if post.country in MARKETS], ordinary) < 0.75


# Pictures and links


def test_some_posts_have_media_and_most_media_a_description(posts: list[Post]) -> None:
    with_media = [post for post in posts if post.media]
    assert 0.1 < share(with_media, posts) < 0.25
    media = [item for post in with_media for item in post.media]
    assert {item.type for item in media} == {"photo", "video", "animation"}
    assert {urlsplit(item.url or "").hostname for item in media} == {MEDIA_HOST}
    assert 0.6 < sum(item.alt is not None for item in media) / len(media) < 0.9
    for post in with_media:
        shown = phrases(post.language or "").pictures
        unfit = "+" if post.labels["sentiment"] == "negative" else "-"
        alts = [item.alt for item in post.media if item.alt]
        assert not any(f"{unfit}{alt}" in shown.get(post.labels["topic"], ()) for alt in alts)
        assert not any(alt.startswith(("+", "-")) for alt in alts)
    news = [post for post in originals(posts) if post.source == "news"]
    assert share([post for post in news if post.media], news) > 0.4


def test_every_host_is_reserved_for_examples(posts: list[Post]) -> None:
    urls = {url for post in posts for url in (post.url, post.about, *post.links) if url}
    urls |= {post.community.url or "" for post in posts if post.community}
    assert all((urlsplit(url).hostname or "").endswith(".example") for url in urls)
    assert all(link in post.text for post in posts for link in post.links)


def test_people_link_to_articles_that_were_published_before(posts: list[Post]) -> None:
    articles: dict[str, Post] = {}
    linked: Counter[str] = Counter()
    crisis = 0
    for post in posts:
        for link in post.links:
            article = articles.get(link)
            if article is None:
                continue
            linked[link] += 1
            crisis += "crisis" in article.labels
            assert article.language == post.language
            if "crisis" in article.labels:
                assert "crisis" in post.labels
        if post.source == "news" and post.url:
            articles[post.url] = post
    assert sum(linked.values()) > 0.03 * len(posts)
    assert max(linked.values()) > 10, "some articles are shared by many"
    assert crisis > 50


# Conversations


def test_the_first_post_of_a_thread_exists_and_is_earlier(
    posts: list[Post], by_id: dict[str, Post]
) -> None:
    for post in posts:
        if post.reply_to is None:
            assert post.thread in (None, post.id)
            continue
        assert post.thread is not None
        root, target = by_id[post.thread], by_id[post.reply_to]
        assert root.created_at <= target.created_at <= post.created_at
        assert root.reply_to is None
        assert post.thread == (target.thread or target.id)
        assert post.language == target.language


def test_conversations_have_several_levels_and_people(
    posts: list[Post], by_id: dict[str, Post]
) -> None:
    replies = [post for post in posts if post.reply_to]
    assert 0.12 < share(replies, posts) < 0.3
    levels = Counter(depth(post, by_id) for post in replies)
    assert levels[1] > levels[2] > levels[4] > 0
    threads = Counter(post.thread for post in replies)
    assert max(threads.values()) > 8
    assert 0.01 < share([post for post in posts if post.quote_of], posts) < 0.08
    assert 0.04 < share([post for post in posts if post.repost_of], posts) < 0.15
    assert not any(post.author == by_id[post.reply_to or ""].author for post in replies)


def test_a_brand_answers_the_person_who_complained(
    posts: list[Post], by_id: dict[str, Post]
) -> None:
    answers = [post for post in posts if "owned" in post.labels and post.reply_to]
    assert len(answers) > 100
    for post in answers:
        target = by_id[post.reply_to or ""]
        assert target.labels["sentiment"] == "negative"
        assert post.author.id == f"gen-brand-{post.labels['owned']}"
    after = [post for post in posts if post.reply_to in {answer.id for answer in answers}]
    askers = {answer.id: by_id[answer.reply_to or ""].author.id for answer in answers}
    returned = [post for post in after if post.author.id == askers[post.reply_to or ""]]
    assert 0.4 < share(returned, after) < 0.9


def test_an_answer_stays_in_the_community_of_its_thread(
    posts: list[Post], by_id: dict[str, Post]
) -> None:
    for post in posts:
        assert (post.community is not None) == (post.source in ("reddit", "forum"))
        if post.reply_to:
            target = by_id[post.reply_to]
            assert post.community == target.community
            assert (post.about, post.publisher) == (target.about, target.publisher)
            assert post.format == ("post" if post.source in SOCIAL else "comment")
    names = {post.community.name for post in posts if post.community}
    assert len(names) >= 6 * 8, "a community a topic in each language"


# Reviews, press, bots


def test_the_stars_of_a_review_agree_with_its_sentiment(posts: list[Post]) -> None:
    reviews = [post for post in posts if post.format == "review"]
    assert 0.04 < share(reviews, posts) < 0.12
    assert {post.source for post in reviews} == {"reviews"}
    stars: Counter[float] = Counter()
    for post in posts:
        assert (post.rating is not None) == (post.format == "review")
    for post in reviews:
        assert post.rating is not None
        stars[post.rating.value] += 1
        sentiment = {1: "negative", 2: "negative", 3: "neutral", 4: "positive", 5: "positive"}
        assert post.labels["sentiment"] == sentiment[int(post.rating.value)]
        assert post.about and post.about_name
    assert set(stars) == {1, 2, 3, 4, 5}
    assert stars[1] > stars[3] and stars[5] > stars[3], "few people review what is average"
    unnamed = [post for post in reviews if "brand" not in post.labels]
    assert 0.1 < share(unnamed, reviews) < 0.3, "only the thing reviewed tells the brand"


def test_articles_have_a_publisher_in_the_country_and_a_title(posts: list[Post]) -> None:
    articles = [post for post in posts if post.format == "article"]
    assert 0.02 < share(articles, posts) < 0.08
    for post in articles:
        assert post.publisher is not None and post.publisher.country == post.country
        assert urlsplit(post.url or "").hostname == post.publisher.domain
        assert ROLE_OF[post.labels["brand"]].word in (post.title or "")
        assert post.author.name and post.author.followers is None
    assert len({post.publisher.name for post in articles if post.publisher}) > 30


def test_bots_say_that_they_are_bots(posts: list[Post]) -> None:
    bots = [post for post in posts if post.author.bot]
    assert 0.002 < share(bots, posts) < 0.02
    assert {post.labels["topic"] for post in bots} == {"bot"}
    assert {post.source for post in bots} == SOCIAL


def test_scores_are_those_of_communities_and_some_are_below_zero(posts: list[Post]) -> None:
    scores = [post.metrics.score for post in posts if post.metrics.score is not None]
    assert min(scores) < 0 < max(scores)
    assert 0.05 < sum(score < 0 for score in scores) / len(scores) < 0.2
    for post in posts:
        assert (post.metrics.score is None) == (post.source not in ("reddit", "forum"))


# Texts and labels


def test_few_texts_repeat(posts: list[Post]) -> None:
    own = [post for post in posts if post.repost_of is None and "copy" not in post.labels]
    texts = Counter(OWN.sub("", post.text).strip() for post in own)
    assert len(texts) > 0.66 * len(own)
    assert max(texts.values()) < 0.004 * len(own)
    for language in ("en", "fr"):
        about = [post for post in originals(posts) if post.language == language]
        about = [post for post in about if "brand" in post.labels and post.source != "news"]
        distinct = {OWN.sub("", post.text).strip() for post in about}
        assert len(distinct) > 0.85 * len(about)


def test_ironic_posts_and_comparisons_are_labelled(posts: list[Post]) -> None:
    ironic = [post for post in posts if "irony" in post.labels]
    assert 0.01 < share(ironic, posts) < 0.06
    assert {post.labels["sentiment"] for post in ironic} == {"negative"}
    compared = [post for post in originals(posts) if "rival" in post.labels]
    assert len(compared) > 20
    for post in compared:
        brand, rival = ROLE_OF[post.labels["brand"]], ROLE_OF[post.labels["rival"]]
        assert rival.id in brand.peers and post.labels["sentiment"] == "positive"
        assert rival.word.lower() in post.text.lower()
        assert post.labels["rival_sentiment"] == "negative"


def test_rivals_and_homonyms_are_no_brands(posts: list[Post]) -> None:
    rivals = {rival for role in ROLES for rival in role.rivals}
    about_rivals = [post for post in posts if post.labels["topic"] == "rival"]
    assert len(about_rivals) > 100
    assert not any("brand" in post.labels for post in about_rivals)
    plain = [post for post in about_rivals if any(rival in post.text for rival in rivals)]
    assert share(plain, about_rivals) > 0.8
    words = [post for post in posts if post.labels["topic"] == "word"]
    assert len(words) > 100 and not any("brand" in post.labels for post in words)


def test_a_post_of_the_crisis_has_one_hashtag_of_it(posts: list[Post]) -> None:
    crisis = [post for post in posts if "crisis" in post.labels]
    tagged = [post for post in crisis if CRISIS_TAG in post.hashtags]
    assert 0.35 < share(tagged, crisis) < 0.8
    assert not any("##" in post.text for post in posts)


def test_an_edit_adds_a_note_that_fits(day: list[PostEvent]) -> None:
    edited = [event.post for event in day if isinstance(event, PostUpsert) and event.post.edited_at]
    assert edited
    for post in edited:
        note = post.text.rsplit("\n", 1)[1]
        sentiment = post.labels["sentiment"] if "brand" in post.labels else "neutral"
        assert note in phrases(post.language or "").edits[sentiment]
        assert post.source != "news" and "copy" not in post.labels


def test_nobody_changes_a_post_that_the_crisis_turns_on(posts: list[Post]) -> None:
    writer = Writer(random.Random(1), 1, START, Schedule(START, timedelta(days=1)))
    changes: dict[bool, list[object]] = {True: [], False: []}
    plain = next(post for post in posts if post.kind == "original" and post.source == "x")
    for turns in (True, False):
        post = next(post for post in posts if "turn" in post.labels) if turns else plain
        when = post.created_at
        event = PostUpsert(id=post.id, source="x", version=1, ingested_at=when, post=post)
        changes[turns] = [writer.change_after(event, Moment(0, 0)) for _ in range(500)]
    assert set(changes[True]) == {None}
    assert sum(change is not None for change in changes[False]) > 10
