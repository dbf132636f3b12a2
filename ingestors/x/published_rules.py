"""The rules of the brands on the ``brands`` topic, as of now."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol

from brands.registry import BrandRegistry
from ingestors.x.rules import Rule, rules_for
from runtime.settings import KafkaSettings
from schemas.brand import Brand
from schemas.errors import ServiceUnavailable


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
