"""Alertmanager: the requests, and a real one that holds and ends alerts."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.alert import Alert
from schemas.delivery import AlertDelivery
from sinks.alerts.channels.alertmanager import Alertmanager
from sinks.alerts.channels.base import Refused
from sinks.alerts.message.catalogue import Style
from tests import make
from tests.servers.http import FakeHttp
from tests.sinks.alerts.channels.rigs import address as address_of
from tests.sinks.alerts.channels.rigs import wait
from tests.sinks.alerts.states import BEGAN, ID, NOW, rich, state

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
present = partial(datetime.now, UTC)
needs_alertmanager = pytest.mark.skipif(
    PROGRAM is None, reason="Alertmanager is absent: apt-get install prometheus-alertmanager"
)


def channel(url: str, clock: Callable[[], datetime] = lambda: NOW, hold_s: float = 900) -> Any:
    return Alertmanager(
        "ops",
        address_of(f"{url}/api/v2/alerts"),
        Style("en"),
        labels={"team": "desk", "brand": "not this"},
        repeat_every_s=60,
        hold_s=hold_s,
        clock=clock,
    )


def delivered(alert: Alert, repeat: str | None) -> AlertDelivery:
    return make.delivery(alert.id, alert.version, alert.status, at=NOW, repeat=repeat)


def entries(desk: FakeHttp) -> list[list[dict[str, Any]]]:
    return [json.loads(request.body) for request in desk.taken]


def test_labels_annotations_and_times() -> None:
    with FakeHttp() as desk:
        channel(desk.url).deliver(rich(), None)
        ((entry,),) = entries(desk)
        assert desk.taken[0].path == "/api/v2/alerts"
    alert = {"brand": "velmora", "severity": "4", "kind": "crisis", "alert": ID}
    assert entry["labels"] == {"alertname": "TocsinCrisis", "team": "desk", **alert}
    assert entry["annotations"]["summary"] == (
        "Velmora: 12,540 mentions in 30 minutes, 8.8 times the usual, 81% negative, 2,210 authors"
    )
    assert "What moved" in entry["annotations"]["description"]
    assert entry["startsAt"] == BEGAN.isoformat()
    assert entry["endsAt"] == (NOW + timedelta(seconds=900)).isoformat()


def test_an_open_alert_is_sent_again_with_a_later_end() -> None:
    now = [NOW]
    with FakeHttp() as desk:
        ops = channel(desk.url, lambda: now[0])
        repeat = ops.deliver(state(1), None)
        now[0] += timedelta(seconds=60)
        ops.again([delivered(state(1), repeat), delivered(state(2, id="broken"), "{")])
        (first,), (second,) = entries(desk)
    assert second["labels"] == first["labels"]
    assert first["endsAt"] < second["endsAt"]


def test_a_new_severity_ends_the_old_one() -> None:
    with FakeHttp() as desk:
        ops = channel(desk.url)
        repeat = ops.deliver(state(1, severity=3), None)
        again = ops.deliver(state(2, "update", severity=3), delivered(state(1), repeat))
        ops.deliver(state(3, "update", severity=5), delivered(state(2), again))
        sent = entries(desk)
    assert [len(request) for request in sent] == [1, 1, 2]
    ended, current = sent[2]
    assert (ended["labels"]["severity"], current["labels"]["severity"]) == ("3", "5")
    assert ended["endsAt"] <= NOW.isoformat() < current["endsAt"]


def test_a_close_ends_it_and_is_not_repeated() -> None:
    with FakeHttp() as desk:
        ops = channel(desk.url)
        repeat = ops.deliver(state(1, severity=3), None)
        assert ops.deliver(state(2, "close", severity=1), delivered(state(1), repeat)) is None
        sent = entries(desk)
    assert all(entry["endsAt"] <= NOW.isoformat() for entry in sent[1])
    assert {entry["labels"]["severity"] for entry in sent[1]} == {"1", "3"}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """A real Alertmanager on a free port; ended by its own process id."""
    assert PROGRAM is not None
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    options = {
        "config.file": config,
        "storage.path": tmp_path / "data",
        "web.listen-address": address,
        "cluster.listen-address": "",
    }
    command = [PROGRAM, *(f"--{name}={value}" for name, value in options.items())]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    url = f"http://{address}"
    try:
        wait(lambda: get(f"{url}/-/ready") is not None)
        yield url
    finally:
        process.kill()
        process.wait()


def get(url: str) -> bytes | None:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bytes(response.read())
    except OSError:
        return None


def active(url: str) -> list[dict[str, str]]:
    """The labels of the alerts that fire there."""
    body = get(f"{url}/api/v2/alerts?active=true")
    return [entry["labels"] for entry in json.loads(body or b"[]")]


def live(version: int, status: str = "open", **changed: Any) -> Alert:
    now = present()
    return state(version, status, began_at=now - timedelta(minutes=5), raised_at=now, **changed)


@needs_alertmanager
def test_it_fires_escalates_and_ends(alertmanager: str) -> None:
    ops = channel(alertmanager, present)
    opening = live(1, severity=3)
    repeat = ops.deliver(opening, None)
    assert [labels["severity"] for labels in active(alertmanager)] == ["3"]
    graver = live(2, "update", severity=5)
    repeat = ops.deliver(graver, delivered(opening, repeat))
    wait(lambda: [labels["severity"] for labels in active(alertmanager)] == ["5"])
    ops.deliver(live(3, "close", severity=5), delivered(graver, repeat))
    wait(lambda: active(alertmanager) == [])


@needs_alertmanager
def test_it_is_held_open_and_forgotten_when_nobody_holds_it(alertmanager: str) -> None:
    ops = channel(alertmanager, present, hold_s=2)
    opening = live(1)
    held = delivered(opening, ops.deliver(opening, None))
    for _ in range(8):
        time.sleep(0.5)
        ops.again([held])
        assert [labels["alert"] for labels in active(alertmanager)] == [ID]
    wait(lambda: active(alertmanager) == [])


@needs_alertmanager
def test_two_alerts_of_a_brand_do_not_end_each_other(alertmanager: str) -> None:
    ops = channel(alertmanager, present)
    first, second = live(1), live(1, id="velmora-2")
    repeat = ops.deliver(first, None)
    ops.deliver(second, None)
    ops.deliver(live(2, "close"), delivered(first, repeat))
    wait(lambda: [labels["alert"] for labels in active(alertmanager)] == ["velmora-2"])
    # What it does not understand is refused.
    ops.labels = {"not a name": "x"}
    with pytest.raises(Refused, match="answered 400"):
        ops.deliver(live(1), None)
