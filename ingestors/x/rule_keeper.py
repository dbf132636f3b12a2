"""Keeps the rules at X those of the brands: at each connection, and whenever brands change.

A change waits until brands have been quiet for a moment, as many are often applied at once. If it
fails, the rules at X stay as they were, ``tocsin_ingest_x_rules_outdated`` is 1, and it is tried
again.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from brands.registry import BrandRegistry
from ingestors.x.posts import SOURCE
from ingestors.x.rules import Rule, rules_for
from runtime import metrics
from runtime.logs import get_logger
from runtime.settings import KafkaSettings
from schemas.brand import Brand
from schemas.errors import ServiceUnavailable

log = get_logger("ingest")


class RulesClient(Protocol):
    def reconcile(self, wanted: Sequence[Rule], max_rules: int | None = None) -> None:
        """Make the project's rules the wanted ones, or raise and leave them as they were."""


@dataclass(frozen=True, kw_only=True)
class KeeperOptions:
    """Seconds, and the plan's number of rules; None leaves the limit to X."""

    settle_s: float = 5.0
    retry_s: float = 60.0
    poll_s: float = 1.0
    max_rules: int | None = None


class RuleKeeper:
    """``wanted`` gives the rules of the brands as of now; it may raise for a brand without one."""

    def __init__(
        self,
        wanted: Callable[[], Sequence[Rule]],
        options: KeeperOptions | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = wanted
        self.options = options or KeeperOptions()
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: list[Rule] | None = None
        self._seen: list[Rule] | None = None
        self._due = float("inf")
        self._problem: str | None = None

    def make_current(self, client: RulesClient) -> None:
        """Before connecting; raises if X refuses the rules and has never had them.

        Later, the rules that X last took are restored.
        """
        with self._lock:
            rules = list(self._wanted()) if self._held is None else self._held
            client.reconcile(rules, self.options.max_rules)
            self._held = rules
            metrics.INGEST_X_RULES.set(len(rules))
            metrics.INGEST_X_RULES_OUTDATED.set(0)

    def follow(self, client: RulesClient) -> None:
        """Bring X to the wanted rules, if they have changed and it is time. Never raises."""
        with self._lock:
            if self._held is None:
                return
            try:
                self._follow(client, self._held)
            except Exception as error:  # noqa: BLE001 - the old rules go on
                self._failed(str(error) or type(error).__name__)

    def _follow(self, client: RulesClient, held: list[Rule]) -> None:
        rules, now = list(self._wanted()), self._monotonic()
        if rules != self._seen:
            self._seen = rules
            self._due = now + self.options.settle_s
        if rules == held:
            self._made_current(rules)
        elif not rules:
            self._failed("there are no brands; X needs at least one rule")
        elif now >= self._due:
            self._due = now + self.options.retry_s
            client.reconcile(rules, self.options.max_rules)
            metrics.INGEST_X_RULE_CHANGES.labels("changed").inc()
            log.info("the rules follow the brands", source=SOURCE, rules=len(rules))
            self._held = rules
            self._made_current(rules)

    def _made_current(self, rules: Sequence[Rule]) -> None:
        self._problem = None
        metrics.INGEST_X_RULES.set(len(rules))
        metrics.INGEST_X_RULES_OUTDATED.set(0)

    def _failed(self, problem: str) -> None:
        metrics.INGEST_X_RULES_OUTDATED.set(1)
        if problem != self._problem:
            metrics.INGEST_X_RULE_CHANGES.labels("failed").inc()
            log.error("the rules at X stay as they were", source=SOURCE, why=problem)
        self._problem = problem

    def run(self, client: RulesClient, stop: threading.Event) -> None:
        """Follow until ``stop``."""
        while not stop.wait(self.options.poll_s):
            self.follow(client)


class Registry(Protocol):
    def start(self, on_failure: Callable[[Exception], None]) -> None: ...
    def stop(self) -> None: ...
    def brands(self) -> Mapping[str, Brand]: ...


class PublishedRules(AbstractContextManager["PublishedRules"]):
    """Follows the topic between enter and exit; until it is read, the rules are the ``first``."""

    def __init__(
        self, settings: KafkaSettings, first: Sequence[Rule], registry: Registry | None = None
    ) -> None:
        self._registry = registry or BrandRegistry(settings, matching=False)
        self._rules = list(first)
        self._compiled: Mapping[str, Brand] = self._registry.brands()
        self._failure: Exception | None = None

    def __enter__(self) -> "PublishedRules":
        self._registry.start(self._fail)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._registry.stop()

    def _fail(self, error: Exception) -> None:
        self._failure = error

    def rules(self) -> list[Rule]:
        """The rules of now; raises for a brand that has none, or if brands are not followed."""
        if self._failure is not None:
            raise ServiceUnavailable(
                f"the brands are no longer followed ({self._failure}); restart 'tocsin ingest x'"
            )
        brands = self._registry.brands()
        if brands is not self._compiled:  # a new mapping at each change
            self._rules = rules_for(list(brands.values()))
            self._compiled = brands
        return self._rules
