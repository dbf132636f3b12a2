"""A question is asked once for all who wait, is kept until the tick, and outlives its index."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from queries.language.errors import QueryError
from tests.tower.fake_search import FakeSearch
from tests.tower.questions.corpus import corpus
from tower.answers import KEPT_S, MAX_KEPT, MAX_STALE_S, Answers, Asked
from tower.questions.alert_list import ALERT, ALERTS, AlertAsk, AlertsAsk
from tower.questions.author_ranks import AUTHORS, AuthorsAsk
from tower.questions.mention_list import MENTIONS, MentionsAsk
from tower.questions.question import Context
from tower.questions.scope import LIVE_TICK, BadParameter
from tower.questions.value_counts import VALUES, ValuesAsk
from tower.questions.volume_series import VOLUME, VolumeAnswer, VolumeAsk

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Asking:
    """The answers over a fake search, with one clock for both kinds of time."""

    search: FakeSearch = field(default_factory=lambda: FakeSearch(corpus(count=30).mentions))
    passed_s: float = 0.0
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Answers(
            self.search, lambda: Context(self.now()), self.now, lambda: self.passed_s
        )

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_s)

    async def volume(self, q: str = "", **parameters: Any) -> Asked:
        return await self.answers.ask(VOLUME, VolumeAsk(q=q, **parameters))


def scenario(test: Callable[[Asking], Awaitable[None]]) -> Callable[[], None]:
    """Runs the test in an event loop; one that hangs fails."""

    async def run() -> None:
        async with asyncio.timeout(20):
            await test(Asking())

    def run_test() -> None:
        asyncio.run(run())

    run_test.__name__ = test.__name__
    return run_test


@scenario
async def test_a_question_of_many_at_a_time_is_searched_once(asking: Asking) -> None:
    asking.search.gate = asyncio.Event()
    waiting = [asyncio.create_task(asking.volume("brand:velmora")) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    asking.search.gate.set()
    found = await asyncio.gather(*waiting)
    assert len(asking.search.requests) == 1
    assert len(asking.search.searches) == 3, "the window, the one before it, and a week earlier"
    assert len({id(one.answer) for one in found}) == 1
    assert isinstance(found[0].answer, VolumeAnswer)
    assert found[0].answer.mentions == 30


@scenario
async def test_the_questions_of_a_page_are_one_request(asking: Asking) -> None:
    wanted: list[Any] = [(VOLUME, VolumeAsk()), (AUTHORS, AuthorsAsk()), (VOLUME, VolumeAsk())]
    found = await asking.answers.ask_all(wanted)
    assert len(asking.search.requests) == 1
    assert len(asking.search.searches) == 4
    assert [type(one.answer).__name__ for one in found] == [
        "VolumeAnswer", "AuthorsAnswer", "VolumeAnswer",
    ]  # fmt: skip


@scenario
async def test_an_answer_is_kept_until_the_tick(asking: Asking) -> None:
    tick_s = LIVE_TICK.total_seconds()
    await asking.volume()
    asking.passed_s = tick_s - 0.1
    await asking.volume()
    assert len(asking.search.requests) == 1
    asking.passed_s = tick_s
    found = await asking.volume()
    assert len(asking.search.requests) == 2
    assert found.answer is not None
    assert found.answer.until == START + LIVE_TICK


@scenario
async def test_an_answer_about_the_past_is_kept_for_a_minute(asking: Asking) -> None:
    past: dict[str, Any] = {"since": START - timedelta(days=9), "until": START - timedelta(days=8)}
    await asking.volume(**past)
    asking.passed_s = KEPT_S - 1
    await asking.volume(**past)
    assert len(asking.search.requests) == 1
    # Late posts come into the past too.
    asking.passed_s = KEPT_S + 1
    await asking.volume(**past)
    assert len(asking.search.requests) == 2


@scenario
async def test_an_index_that_is_away_leaves_the_last_good_answer_with_its_age(
    asking: Asking,
) -> None:
    good = (await asking.volume()).answer
    asking.search.away = "Elasticsearch does not answer"
    asking.passed_s = 45.0
    found = await asking.volume()
    assert found == Asked(good, "Elasticsearch does not answer", 45.0)
    asking.passed_s = 90.0
    assert (await asking.volume()).age_s == 90.0
    assert await asking.volume("panne") == Asked(None, "Elasticsearch does not answer")
    # It is asked anew each time, so an index that is back is seen at once.
    assert len(asking.search.requests) == 4
    asking.search.away = None
    back = await asking.volume()
    assert back.error is None
    assert back.answer is not None
    assert back.answer.as_of == asking.now()


@scenario
async def test_an_answer_of_the_last_ticks_can_stand_in(asking: Asking) -> None:
    ((flight, stable),) = asking.answers.start([(VOLUME, VolumeAsk())])
    good = await flight
    asking.passed_s = MAX_STALE_S
    assert asking.answers.stale(stable) == Asked(good)
    asking.passed_s = MAX_STALE_S + 1
    assert asking.answers.stale(stable) is None


@scenario
async def test_a_question_that_fails_takes_no_other_along(asking: Asking) -> None:
    asking.search.broken = {"alerts"}
    wanted: list[Any] = [(VOLUME, VolumeAsk()), (ALERTS, AlertsAsk()), (AUTHORS, AuthorsAsk())]
    first, second, third = await asking.answers.ask_all(wanted)
    assert second == Asked(None, "the index refuses the search: no such thing")
    assert first.error is None and first.answer is not None
    assert third.error is None and third.answer is not None


@scenario
async def test_a_response_of_another_shape_is_an_error_of_its_question(asking: Asking) -> None:
    asking.search.change = lambda responses: [{"hits": 7}, *responses[1:]]
    wanted: list[Any] = [(MENTIONS, MentionsAsk()), (VOLUME, VolumeAsk())]
    first, second = await asking.answers.ask_all(wanted)
    assert first == Asked(None, "the index gave an answer that is unreadable")
    assert second.error is None
    # Too few responses are one too.
    asking.search.change = lambda responses: responses[:1]
    assert (await asking.volume("panne")).error is not None


@scenario
async def test_a_fault_of_the_search_leaves_nobody_waiting(asking: Asking) -> None:
    async def faulty(searches: Any) -> list[Any]:
        raise RuntimeError("a fault of ours")

    answers = Answers(faulty, lambda: Context(START), lambda: START)
    assert await answers.ask(VOLUME, VolumeAsk()) == Asked(None, "the index could not be searched")


@scenario
async def test_a_wrong_question_is_refused_and_takes_no_other_along(asking: Asking) -> None:
    for wrong in (MentionsAsk(after="nonsense"), MentionsAsk(after='["x", 1]')):
        with pytest.raises(BadParameter, match="after must be the next"):
            await asking.answers.ask_all([(VOLUME, VolumeAsk()), (MENTIONS, wrong)])
    with pytest.raises(QueryError):
        await asking.answers.ask_all([(VOLUME, VolumeAsk()), (VOLUME, VolumeAsk(q="(a"))])
    assert not asking.search.requests
    # What was asked beside it can be asked again: no flight of it is in the air.
    assert (await asking.volume()).error is None


@scenario
async def test_a_window_at_the_edge_of_time_is_refused(asking: Asking) -> None:
    for since in (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)):
        with pytest.raises(BadParameter):
            await asking.volume(since=since, until=since + timedelta(days=1))


@scenario
async def test_shards_that_failed_make_an_answer_partial(asking: Asking) -> None:
    asking.search.partial = True
    found = await asking.volume()
    assert found.answer is not None
    assert found.answer.partial
    assert found.answer.took_ms == 3


@scenario
async def test_what_is_forgotten_is_asked_again_and_never_shown_as_old(asking: Asking) -> None:
    await asking.volume()
    asking.answers.forget()
    asking.search.away = "away"
    assert await asking.volume() == Asked(None, "away")


@scenario
async def test_a_new_alert_drops_the_answers_about_alerts_alone(asking: Asking) -> None:
    wanted: list[Any] = [
        (ALERTS, AlertsAsk()), (ALERT, AlertAsk(id="velmora-1")), (VOLUME, VolumeAsk()),
    ]  # fmt: skip
    await asking.answers.ask_all(wanted)
    asking.answers.forget_alerts()
    await asking.answers.ask_all(wanted)
    assert [len(request) for request in asking.search.requests] == [5, 2]


@scenario
async def test_the_memory_of_answers_is_bounded(asking: Asking) -> None:
    asking.search.mentions = ()
    for number in range(MAX_KEPT + 10):
        await asking.answers.ask(VALUES, ValuesAsk(q=f"w{number}", field="kind"))
    asking.search.away = "away"
    asking.passed_s = 100.0
    oldest = await asking.answers.ask(VALUES, ValuesAsk(q="w3", field="kind"))
    newest = await asking.answers.ask(VALUES, ValuesAsk(q=f"w{MAX_KEPT}", field="kind"))
    assert oldest.answer is None
    assert newest.answer is not None
