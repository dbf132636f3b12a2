"""The settings of the control tower: what cannot be meant is refused at the start."""

from typing import Any

import pytest

from runtime.settings import TowerSettings, load
from schemas.errors import ConfigurationError


def test_without_any_it_listens_on_this_machine_alone() -> None:
    settings = load(TowerSettings)
    assert (settings.host, settings.port) == ("127.0.0.1", 8470)
    assert (settings.users, settings.proxies, settings.kibana) == (None, "", "")
    assert settings.time_zone == "UTC"


@pytest.mark.parametrize(
    "given",
    [
        {"port": 65_536},
        {"port": -1},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"session_hours": 0},
        {"session_hours": 721},
        {"max_streams": 0},
        {"max_streams_per_person": 0},
        {"kibana": "javascript:alert(1)"},
        {"kibana": 'http://kibana/"onload=x'},
        {"kibana": "http://kibana/\nx"},
        {"proxy_user_header": "X-User\r\nX: y"},
        {"proxy_user_header": "x" * 65},
        {"hosts": "x" * 2_001},
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(TowerSettings, **given)
    # It is named as the user sets it.
    assert f"TOCSIN_TOWER_{next(iter(given)).upper()}" in str(raised.value)


@pytest.mark.parametrize(
    "given",
    [
        {"port": 0},
        {"time_zone": "Europe/Paris"},
        {"session_hours": 0.5},
        {"kibana": "https://kibana.example:5601/s/desk"},
        {"proxy_user_header": "X-Forwarded-User"},
    ],
)
def test_what_can_be_meant_is_taken(given: dict[str, Any]) -> None:
    settings = load(TowerSettings, **given)
    ((name, value),) = given.items()
    assert getattr(settings, name) == value
