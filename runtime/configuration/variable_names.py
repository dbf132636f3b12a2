"""Which ``TOCSIN_…`` names exist: an unknown one is refused, with the nearest name.

Settings belong to the groups of ``runtime.settings``. ``OTHER_NAMES`` lists what else begins so:
names that tools of this repository read. Every source of settings is checked here; today that is
the environment, with the paths of secret files in it.
"""

import difflib
import os
import re
from collections.abc import Iterable, Mapping

from schemas.errors import ConfigurationError

PREFIX = "TOCSIN_"

OLD_NAMES: dict[str, str] = {
    "TOCSIN_INGEST_CHECKPOINT_EVERY_S": "TOCSIN_INGEST_CHECKPOINT_INTERVAL_S",
    "TOCSIN_DETECTOR_SNAPSHOT_S": "TOCSIN_DETECTOR_SNAPSHOT_INTERVAL_S",
    "TOCSIN_DETECTOR_TICK_S": "TOCSIN_DETECTOR_TICK_INTERVAL_S",
    "TOCSIN_SINK_RETRY_MOST_S": "TOCSIN_SINK_RETRY_MAX_S",
    "TOCSIN_ALERTS_RETRY_MOST_S": "TOCSIN_ALERTS_RETRY_MAX_S",
}
"""Renamed in 0.2.0; read under both names until 0.3.0."""

OTHER_NAMES: dict[str, str] = {
    "TOCSIN_CACHE_DIR": "Folder for downloaded engines; unset takes the user's cache folder.",
    "TOCSIN_JAVA_HOME": "Java for Kafka and Elasticsearch of the local stack, before JAVA_HOME.",
    "TOCSIN_MAVEN_ALLOW_PLAIN": "`true` allows the repository's password over http:// elsewhere.",
    "TOCSIN_MAVEN_REPOSITORY": "Maven repository that the engines are downloaded from.",
    "TOCSIN_SHARED_DATA": "Folder with the data sets of the accuracy and agreement tests.",
    "TOCSIN_TEST_CLOCK_OFFSET_FILE": "Tests: a file with seconds that are added to the clock.",
    "TOCSIN_TEST_CRASH_AT": "Tests: kills the service at a point of runtime/crash_points.py.",
}
"""What is no setting of a service, and who reads it."""

_SERVICE_LINK = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP)(_\w+)?)?$")

Names = Mapping[str, bool]
"""Setting to whether it is a secret, which may also stand in a file (``…_FILE``)."""


def known_names(settings: Names) -> set[str]:
    """Every name that may be set."""
    files = {f"{name}_FILE" for name, is_secret in settings.items() if is_secret}
    return {*settings, *files, *OLD_NAMES, *OTHER_NAMES}


def unknown_names(settings: Names, present: Iterable[str]) -> list[str]:
    """Names of ``present`` that nothing reads, in order. Case does not count, as in settings."""
    known = known_names(settings)
    return sorted(
        name
        for name in present
        if (upper := name.upper()).startswith(PREFIX) and upper not in known
    )


def nearest_name(settings: Names, unknown: str) -> str | None:
    """The known name that was probably meant; None if nothing resembles it."""
    known = sorted(known_names(settings) - OLD_NAMES.keys())
    if (bare := unknown.upper().removesuffix("_FILE")) in known:
        return bare
    close = difflib.get_close_matches(unknown.upper(), known, n=1, cutoff=0.75)
    return close[0] if close else None


def refuse_unknown_names(settings: Names, present: Iterable[str] | None = None) -> None:
    """Raise :class:`ConfigurationError` for the first unknown name; None reads the environment."""
    names = os.environ if present is None else present
    unknown = [
        name
        for name in unknown_names(settings, names)
        # Kubernetes sets these for a Service whose name begins with tocsin-.
        if "KUBERNETES_SERVICE_HOST" not in names or not _SERVICE_LINK.search(name)
    ]
    if not unknown:
        return
    nearest = nearest_name(settings, unknown[0])
    remedy = f"did you mean {nearest}?" if nearest else "remove it;"
    more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
    raise ConfigurationError(
        f"{unknown[0]}{more} is not a setting of tocsin: {remedy} docs/settings.md lists them all"
    )
