"""The list of checks in the order in which they are told, and the exit status of the findings."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from tocsin.checkup import brand_silence, elasticsearch_checks, kafka_checks, local_checks
from tocsin.checkup.check_runner import Check, Finding

_MODELS_S = 60.0
"""Loading takes seconds on any machine, a minute on a busy one."""
_GROUPS_S = 20.0
"""The oldest unread record of each group is read."""
ALL: tuple[Check, ...] = (
    Check("settings", local_checks.check_settings),
    Check("secrets", local_checks.check_secrets, needs="settings"),
    Check("kafka", kafka_checks.check_kafka, needs="settings"),
    Check("topics", kafka_checks.check_topics, needs="kafka"),
    Check("kafka disks", kafka_checks.check_disks, needs="kafka"),
    Check("brands", kafka_checks.check_brands, needs="topics"),
    Check("lag", kafka_checks.check_lag, needs="topics", deadline_s=_GROUPS_S),
    Check("dead letters", kafka_checks.check_dead_letters, needs="topics"),
    Check("sources", kafka_checks.check_sources, needs="topics"),
    Check("elasticsearch", elasticsearch_checks.check_elasticsearch, needs="settings"),
    Check("indices", elasticsearch_checks.check_indices, needs="elasticsearch"),
    Check("mentions", brand_silence.check_mentions, needs="brands"),
    Check("coverage", elasticsearch_checks.check_coverage, needs="indices"),
    Check("alert volumes", elasticsearch_checks.check_alert_volumes, needs="indices"),
    Check("clocks", elasticsearch_checks.check_clocks, needs="elasticsearch"),
    Check("blocked indices", elasticsearch_checks.check_blocks, needs="elasticsearch"),
    Check("disks", elasticsearch_checks.check_disks, needs="elasticsearch"),
    Check("services", local_checks.check_services, needs="settings"),
    Check("channels", local_checks.check_channels, needs="settings"),
    Check("data folder", local_checks.check_data_folder),
    Check("models", local_checks.check_models, needs="settings", deadline_s=_MODELS_S),
)


def checks(*, models: bool, silent_hours: int = brand_silence.HOURS) -> list[Check]:
    """Every check, or all but the slow one; ``silent_hours``: from which a brand is named."""
    mentions = partial(brand_silence.check_mentions, silent_hours)
    return [
        replace(check, run=mentions) if check.subject == "mentions" else check
        for check in ALL
        if models or check.subject != "models"
    ]


def status_of(findings: Sequence[Finding]) -> int:
    """0 if nothing failed, 2 if a person's setting did, else 1."""
    failed = {finding.subject for finding in findings if finding.status == "FAIL"}
    if "settings" in failed:
        return 2
    return 1 if failed else 0
