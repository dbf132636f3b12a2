"""``tocsin doctor``: checks everything that a deployment needs, and says what to do."""

import sys
from typing import Annotated

import typer

from tocsin.cli.output import FormatOption, result, write_rows


def doctor(
    models: Annotated[
        bool, typer.Option("--models/--no-models", help="Load the models too; takes seconds.")
    ] = True,
    silent_hours: Annotated[
        int,
        typer.Option(min=1, max=8_760, help="Name brands without a mention for so many hours."),
    ] = 24,
    format: FormatOption = "text",
) -> None:
    """Check settings, servers, topics, services, lag, sources, brands, channels, models, disks.

    All at once: what does not answer within 6 seconds is told so. It says what to do, sends
    nothing, changes nothing, and exits with 1 if something fails, with 2 if a setting or a version
    is wrong.

    Example: `tocsin doctor`
    """
    from runtime import logs
    from tocsin.checkup.check_runner import Finding, run_checks
    from tocsin.checkup.checks import checks, status_of

    logs.configure("console", "error")
    logs.silence_libraries()

    def tell(finding: Finding) -> None:
        if format == "text":
            result(f"{finding.status:4} {finding.subject}: {finding.text}")
            sys.stdout.flush()

    findings = run_checks(checks(models=models, silent_hours=silent_hours), tell)
    if format != "text":
        write_rows(findings, Finding._fields, format)
    if status := status_of(findings):
        sys.exit(status)
