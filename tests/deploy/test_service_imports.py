"""A service imports its own clients and models, and none of another service's."""

import json
import subprocess
import sys

import pytest

CHECKED = frozenset(
    {"aiokafka", "elasticsearch", "faust", "kafka", "numpy", "openpyxl", "openvino", "spacy"}
    | {"confluent_kafka", "tokenizers", "tweepy", "websockets"}
)
"""Modules that take long to import or much memory."""
FAUST = {"aiokafka", "confluent_kafka", "faust", "kafka"}
SERVICES = {
    "processors.enrichment.app": FAUST,
    "processors.detector.app": FAUST | {"numpy"},
    "tocsin.cli.sink": set(),
    "tocsin.cli.sink_elasticsearch": {"elasticsearch", "kafka"},
    "tocsin.cli.sink_alerts": {"elasticsearch", "kafka"},
    "tocsin.cli.ingest": set(),
    "ingestors.runner": {"confluent_kafka", "kafka"},
    "ingestors.files.source": set(),
    "ingestors.generator.source": set(),
    "ingestors.bluesky.source": {"websockets"},
    "ingestors.x.source": {"kafka", "tweepy"},
    "runtime.service": set(),
    "brands.registry": {"kafka"},
}


def heavy_modules(code: str) -> set[str]:
    """Those of ``CHECKED`` that a new process has after it ran the code."""
    ask = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1])) & CHECKED


@pytest.mark.parametrize("module", SERVICES)
def test_a_service_imports_only_its_own(module: str) -> None:
    assert heavy_modules(f"import {module}") == SERVICES[module]


def test_the_fast_tier_has_neither_encoder_nor_spacy() -> None:
    build = (
        "from processors.enrichment.annotator_table import build_enricher\n"
        "from runtime.settings import ProcessSettings\n"
        "build_enricher(ProcessSettings(tier='{}'), lambda: None)"
    )
    large = {"openvino", "tokenizers", "faust", "spacy"}
    assert heavy_modules(build.format("fast")).isdisjoint(large)
    assert {"openvino", "spacy"} <= heavy_modules(build.format("accurate"))
