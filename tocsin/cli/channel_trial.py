"""``tocsin alerts test``: one test alert through one channel."""

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.clock import utc_now
from schemas.alert import Alert
from schemas.errors import ConfigurationError, ServiceUnavailable
from schemas.ids import microseconds
from text.spelling import did_you_mean
from tocsin.cli.output import say

if TYPE_CHECKING:
    from sinks.alerts.channels.base import Channel

BRAND = "tocsin-test"
TITLE = "TEST of a tocsin channel, not an alert: nothing to do (essai, rien à faire)"


def channel_trial(
    channel: Annotated[str, typer.Argument(help="A name in the file of TOCSIN_ALERTS_CHANNELS.")],
    severity: Annotated[int, typer.Option(min=1, max=5, help="Severity of the test alert.")] = 1,
) -> None:
    """Send a test alert through one channel, at once, and say whether it was taken.

    It is marked as a test, and goes neither to Kafka nor to the index. The exit status is 3 if the
    channel did not take it.

    Example: `TOCSIN_ALERTS_CHANNELS=channels.yaml tocsin alerts test desk`
    """
    from sinks.alerts.channels.base import Busy, Refused

    with contextlib.closing(_channel(channel)) as found:
        try:
            found.deliver(trial_alert(utc_now(), severity), None)
        except (Busy, Refused) as error:
            raise ServiceUnavailable(
                f"{channel} did not take the test alert: {error.why}"
            ) from None
    more = ""
    if (seconds := getattr(found, "hold_s", None)) is not None:
        more = f"; it ends there by itself in {seconds / 60:.0f} minutes"
    say(f"{channel} took the test alert “{TITLE}”{more}")


def trial_alert(at: datetime, severity: int) -> Alert:
    """An alert of no brand that says that it is a test."""
    return Alert(
        id=f"{BRAND}-{at:%Y-%m-%dT%H:%M:%SZ}",
        brand=BRAND,
        version=microseconds(at),
        status="open",
        severity=severity,
        began_at=at,
        raised_at=at,
        title=TITLE,
    )


def _channel(name: str) -> "Channel":
    from runtime.settings import AlertsSettings, load
    from sinks.alerts.channels.channels_file import load_channels

    settings = load(AlertsSettings)
    if settings.channels is None:
        raise ConfigurationError(
            "TOCSIN_ALERTS_CHANNELS is not set; it names the channels file (docs/alerts.md)"
        )
    channels = {each.name: each for each in load_channels(settings.channels, settings)}
    if name not in channels:
        raise ConfigurationError(
            f"{settings.channels} has no channel {name}; {did_you_mean(name, channels)}"
        )
    return channels[name]
