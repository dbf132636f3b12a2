"""Runs checks at the same time, each in a thread and under one deadline.

A check that needs another (Kafka, for the topics) waits for it, and is not done when that one
fails: the cause is told once. Whatever a check raises becomes one sentence.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from schemas.errors import TocsinError

DEADLINE_S = 6.0
"""For everything that asks a server."""

Status = Literal["ok", "note", "FAIL", "skip"]


class Noted(Exception):
    """What works, and what somebody should look at all the same; the message is the sentence."""


class Skipped(Exception):
    """There is nothing to check; the message says why."""


@dataclass(frozen=True)
class Check:
    subject: str
    run: Callable[[], str]
    needs: str | None = None
    deadline_s: float = DEADLINE_S


class Finding(NamedTuple):
    subject: str
    status: Status
    text: str


@dataclass
class _Running:
    check: Check
    done: threading.Event = field(default_factory=threading.Event)
    finding: Finding | None = None


def run_checks(
    checks: Sequence[Check],
    tell: Callable[[Finding], None] = lambda finding: None,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[Finding]:
    """The finding of each check in the order of ``checks``; ``tell`` gets each as it is known.

    The threads are daemons: one that hangs ends with the process.
    """
    running = {check.subject: _Running(check) for check in checks}
    began = monotonic()
    for each in running.values():
        threading.Thread(
            target=_run, args=(each, running), name=f"check-{each.check.subject}", daemon=True
        ).start()
    findings = []
    for each in running.values():
        each.done.wait(max(0.0, began + each.check.deadline_s - monotonic()))
        late = f"no answer within {each.check.deadline_s:.0f} s"
        finding = each.finding or Finding(each.check.subject, "FAIL", late)
        tell(finding)
        findings.append(finding)
    return findings


def _run(each: _Running, running: dict[str, _Running]) -> None:
    need = running.get(each.check.needs or "")
    if need is not None:
        need.done.wait(each.check.deadline_s)
    if need is not None and (need.finding is None or need.finding.status in ("FAIL", "skip")):
        why = f"not checked, since {need.check.subject} does not work"
        each.finding = Finding(each.check.subject, "skip", why)
    else:
        each.finding = _judge(each.check)
    each.done.set()


def _judge(check: Check) -> Finding:
    try:
        return Finding(check.subject, "ok", check.run())
    except Noted as noted:
        return Finding(check.subject, "note", str(noted))
    except Skipped as skipped:
        return Finding(check.subject, "skip", str(skipped))
    except TocsinError as error:
        return Finding(check.subject, "FAIL", str(error))
    except Exception as error:  # noqa: BLE001
        # Another version, another product: the doctor says so and goes on.
        text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return Finding(check.subject, "FAIL", f"an answer that tocsin does not understand ({text})")
