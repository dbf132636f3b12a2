"""The acts of the API: what a program can do beside asking questions.

``tower.openapi`` describes them; ``tests/tower/test_openapi.py`` compares them with the routes.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from schemas.types import Count
from sinks.alerts.triage import Triage, Verdict
from tower.desk.alert_acts import ACTS
from tower.desk.backtest_job import MAX_SENSITIVITY, MIN_SENSITIVITY
from tower.desk.jobs import Job
from tower.desk.tab_store import SavedTab
from tower.reports.report_kinds import ReportAsk
from tower.reports.report_store import StoredReport
from tower.security.users import Role

Media = Literal["application/json", "application/x-www-form-urlencoded"]


class AlertAct(Struct, omit_defaults=True):
    """The body of an act on an alert."""

    text: Annotated[str, Meta(description="A note's text, or a word on the act.")] = ""
    to: Annotated[str, Meta(description="Who takes the alert over; of assign.")] = ""
    verdict: Annotated[Verdict, Meta(description="Of verdict.")] | None = None
    seen: (
        Annotated[
            int,
            Meta(
                ge=0,
                lt=10**8,
                description="Entries of the history that the caller saw; an act on a newer state "
                "is refused with 409.",
            ),
        ]
        | None
    ) = None


class AlertDesk(Struct):
    """What people have done about the alert."""

    desk: Triage


class Sensitivity(Struct):
    """The form of a back-test."""

    sensitivity: Annotated[float, Meta(ge=MIN_SENSITIVITY, le=MAX_SENSITIVITY)] = 1.0


class LintRequest(Struct):
    """A query to look at."""

    q: str = ""


class LintResult(Struct, omit_defaults=True):
    """What the language says of a query; all empty for an empty one."""

    warnings: list[str] = []
    explanation: list[str] = []
    canonical: str = ""
    kql: str | None = None
    dsl: str = ""


class TabQuery(Struct):
    """The query of a tab."""

    query: str = ""


class Tabs(Struct):
    """The tabs of the caller."""

    tabs: list[SavedTab]


class ReportList(Struct):
    """The newest reports, without their answers."""

    reports: list[StoredReport]


class ReportId(Struct):
    """The report that was made."""

    id: str


class ReportDocument(StoredReport, kw_only=True):
    """A report, with what is still there of its posts and accounts."""

    missing: Annotated[Count, Meta(description="Posts and accounts that have left since.")]
    lookup_error: str | None = None


@dataclass(frozen=True)
class Act:
    """One operation. ``refusals``: statuses beside those that every operation has."""

    method: Literal["get", "post", "put", "delete"]
    path: str
    summary: str
    answer: Any
    role: Role = "reader"
    body: Any = None
    media: Media = "application/json"
    status: int = 200
    refusals: tuple[int, ...] = ()


PATHS: Final = {
    "id": {"type": "string", "minLength": 1},
    "act": {"type": "string", "enum": list(ACTS)},
    "name": {"type": "string", "minLength": 1},
}
"""The parameters of the paths, by name."""
_ALERT: Final = "/api/v1/alerts/{id}"
API_ACTS: Final = (
    Act("post", f"{_ALERT}/{{act}}", "Act on an alert.", AlertDesk, "desk", AlertAct,
        refusals=(404, 409, 422)),
    Act("post", f"{_ALERT}/backtest", "Start a back-test of the alert's brand.", Job, "desk",
        Sensitivity, "application/x-www-form-urlencoded", 202, (404, 422)),
    Act("get", "/api/v1/jobs/{id}", "The state of a job, for who started it.", Job,
        refusals=(404,)),
    Act("post", "/api/v1/queries/lint", "Warnings, explanation and filters of a query.",
        LintResult, body=LintRequest, refusals=(422,)),
    Act("get", "/api/v1/me/tabs", "The tabs of the caller.", Tabs),
    Act("put", "/api/v1/me/tabs/{name}", "Save a tab.", Tabs, body=TabQuery, refusals=(422,)),
    Act("delete", "/api/v1/me/tabs/{name}", "Take a tab out.", Tabs, refusals=(422,)),
    Act("get", "/api/v1/reports", "The newest reports.", ReportList),
    Act("post", "/api/v1/reports", "Make a report.", ReportId, "desk", ReportAsk, status=201,
        refusals=(422,)),
    Act("get", "/api/v1/reports/{id}", "A report with its answers.", ReportDocument,
        refusals=(404,)),
)  # fmt: skip
