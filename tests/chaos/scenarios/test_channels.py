"""S19: channels that refuse, ask for patience, break off and stall, while the service dies."""

import random
import time

import pytest

from tests.chaos.scenario import Run
from tests.chaos.scenarios.test_alert_kills import (
    ALERT_GROUPS,
    alert_states,
    compare_deliveries,
    sending,
)
from tests.engines.pipeline import BROKEN_SOCKETS
from tests.engines.test_alerts import delivered, webhook
from tests.servers.http import HANG_UP, RESET, Answer, FakeHttp, Received

pytestmark = [BROKEN_SOCKETS]
KILLS, CI_KILLS = 20, 3
STALL_S = 3.0
ANSWERS = {
    "429 with Retry-After": Answer(429, headers={"Retry-After": "1"}),
    "429 with a date": Answer(429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    "500": Answer(500),
    "503 for a year": Answer(503, headers={"Retry-After": "31536000"}),
    "a broken connection": RESET,
    "no answer": HANG_UP,
    "a stall": Answer(504),
}
REFUSED = 25
"""More than the brake of a channel permits in a row."""


class BadDesk(FakeHttp):
    """A webhook that gives a bad answer to a share of its requests; ``run`` counts them."""

    def __init__(self, run: Run, share: float) -> None:
        super().__init__(decide=self._decide)
        self.run, self.share = run, share
        self._dice = random.Random(run.options.seed)
        self._stalled = 0

    def _decide(self, request: Received) -> Answer:
        if self._dice.random() >= self.share:
            return Answer()
        name = self._dice.choice(list(ANSWERS))
        if name == "503 for a year" and self.run.nemesis.fired[name]:
            name = "500"  # once is enough: a service may wait as long as its maximum
        self.run.nemesis.fired[name] += 1
        if name == "a stall":
            self.closing.wait(STALL_S)
        return ANSWERS[name]


@pytest.mark.chaos("S19-mix", "channels answer 429, 5xx, late or never, and the service is killed")
def test_bad_answers_and_kills(run: Run) -> None:
    kills = run.options.many(KILLS, CI_KILLS)
    states = alert_states(run.options.many(100, 20))
    with BadDesk(run, share=0.1) as desk, sending(run, "alerts", states, kills * 5 + 10):
        child = run.pipeline.alerts(webhook(desk), TOCSIN_ALERTS_REQUEST_TIMEOUT_S="2")
        for _ in range(kills):
            before = len(desk.taken)
            run.pipeline.wait("a delivery", lambda b=before: len(desk.taken) > b)  # type: ignore[misc]
            run.nemesis.pause(0.1, 2)
            run.nemesis.kill(child, *ALERT_GROUPS)
            child.start()
        desk.share = 0.0
        run.healed()
        compare_deliveries(run, desk, states)


@pytest.mark.chaos("S19-brake", "a channel refuses every alert: the brake, the repair, the replay")
def test_a_channel_that_refuses_everything(run: Run) -> None:
    """What was refused is in the letters, what came after the brake waits; nothing is lost."""
    pipeline, states = run.pipeline, alert_states(10)
    mended = False

    def decide(request: Received) -> Answer:
        return Answer() if mended else Answer(404)

    with FakeHttp(decide=decide) as desk:
        child = pipeline.alerts(webhook(desk))
        pipeline.send("alerts", states)

        def braked() -> bool:
            refused = sum(
                letter.reason == "delivery_rejected" for letter in pipeline.dead_letters()
            )
            return child.process.poll() is not None or refused >= REFUSED - 4

        pipeline.wait("the brake", braked)
        run.nemesis.fired["alert refused"] = len(desk.received)
        time.sleep(3)
        letters = [x for x in pipeline.dead_letters() if x.reason == "delivery_rejected"]
        assert len(letters) < len(states), "the brake saves most of the alerts"
        mended = True
        run.healed()
        if child.process.poll() is None:
            run.nemesis.kill(child, *ALERT_GROUPS)
        child.start()
        replayed = pipeline.tocsin("dead-letters", "replay", "--reason", "delivery_rejected")
        assert replayed.returncode == 0, replayed.stderr
        wanted = {(state.id, state.version) for state in states}
        latest = {id_: max(v for i, v in wanted if i == id_) for id_, _ in wanted}

        def told() -> bool:
            """The last state of each alert; an older one after it is no longer news."""
            return set(latest.items()) <= set(delivered(desk))

        pipeline.wait("every alert's last state", told)
        run.recovered()
        run.row.events = len(states)
