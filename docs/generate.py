"""Generates the pages of ``docs/`` on settings, metrics, topics, commands, and the layers.

``python -m docs.generate`` writes them; ``--check`` names those that are stale. To change a page,
change its source: ``runtime/settings.py``, ``runtime/metrics.py``, ``tocsin/cli/``, ``schemas/``,
the contracts in ``pyproject.toml``.
"""

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from docs.layers import layers
from runtime import metrics, tower_metrics
from runtime.configuration import settings_group
from runtime.configuration.variable_names import OTHER_NAMES
from runtime.metrics import OLD_NAMES as OLD
from runtime.settings import GROUPS, Group
from schemas import errors
from schemas.topic_registry import Topic, topics
from tocsin.cli.main import app

DOCS = Path(__file__).parent
SCHEMAS = DOCS.parent / "schemas" / "topics"
NOTE = "<!-- Written by docs/generate.py from the code: change it there. -->\n"


def cell(text: object) -> str:
    """Text for the cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


# --- settings --------------------------------------------------------------------------------


def variable(group: type[Group], name: str) -> str:
    """The environment variable of a setting."""
    return f"{group.model_config.get('env_prefix', '')}{name}".upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting may also be given as a file."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


def setting_type(field: FieldInfo) -> str:
    """What a setting takes, in words, with its bounds."""
    annotation: Any = field.annotation
    choices = [choice for choice in get_args(annotation) if choice is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in choices)
    if get_origin(annotation) not in (None, Literal) and len(choices) == 1:
        annotation = choices[0]
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    names |= {Path: "path", SecretStr: "secret"}
    bounds = []
    for item in field.metadata:
        for attribute, sign in (("gt", "> "), ("ge", "≥ "), ("lt", "< "), ("le", "≤ ")):
            limit = getattr(item, attribute, None)
            if limit is not None:
                bounds.append(f"{sign}{limit:,}" if limit >= 10_000 else f"{sign}{limit}")
        pattern = getattr(item, "pattern", None)
        if pattern is not None:
            bounds.append(f"`{pattern}`")
    return ", ".join([names.get(annotation, str(annotation)), *bounds])


def setting_default(field: FieldInfo) -> str:
    """The default, as it would be written in the environment."""
    value = field.default
    if value is None or value is PydanticUndefined:
        return "not set"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "empty" if value == "" else f"`{value}`"


def settings_page() -> str:
    """Every setting of every group."""
    parts = [
        "# Settings\n",
        NOTE,
        "Settings are environment variables, read once when a command starts. A wrong value ends "
        "the command with exit status 2 and a sentence that names the variable; an empty variable "
        "counts as not set. A `TOCSIN_…` name that is not on this page ends every command and "
        "service with the nearest name. `tocsin doctor` checks all of them.\n",
        "A secret can also be in a file: append `_FILE` to the name and set it to a path "
        "(`TOCSIN_KAFKA_SASL_PASSWORD_FILE=/run/secrets/kafka`). If both are set, the variable "
        "itself wins.\n",
    ]
    for group in GROUPS:
        prefix = group.model_config.get("env_prefix", "")
        parts.append(f"## `{prefix}…`\n")
        parts.append((group.__doc__ or "").strip().splitlines()[0] + "\n")
        rows = [
            (
                f"`{variable(group, name)}`" + (" (or `…_FILE`)" if is_secret(field) else ""),
                setting_default(field),
                setting_type(field),
                field.description or "",
            )
            for name, field in group.model_fields.items()
        ]
        parts.append(table(("variable", "default", "takes", "meaning"), rows))
    parts.append("## Names of the tools around the services\n")
    others = [(f"`{name}`", meaning) for name, meaning in OTHER_NAMES.items()]
    parts.append(table(("variable", "meaning"), others))
    parts.append("## Old names\n")
    parts.append("Read until 0.3.0, with a warning in the log; the new name wins.\n")
    renamed = [(f"`{old}`", f"`{new}`") for old, new in settings_group.OLD_NAMES.items()]
    parts.append(table(("old name", "new name"), renamed))
    return "\n".join(parts)


# --- metrics ---------------------------------------------------------------------------------


def all_metrics() -> dict[str, MetricWrapperBase]:
    """Every metric by the name under which it is served."""
    values = [*vars(metrics).values(), *vars(tower_metrics).values()]
    return {served(m._name, m): m for m in values if isinstance(m, MetricWrapperBase)}


def served(name: str, metric: MetricWrapperBase) -> str:
    """A metric's name as Prometheus sees it."""
    return name + {"counter": "_total", "info": "_info"}.get(str(metric._type), "")


_AREAS = {
    "tocsin_ingest_": "Ingestors",
    "tocsin_process_": "Processors",
    "tocsin_sink_": "Sinks",
    "tocsin_alerts_": "Alerts",
}


def metrics_page() -> str:
    """Every metric, by the service that serves it."""
    by_area: dict[str, list[tuple[str, str, str, str]]] = {}
    for name, metric in all_metrics().items():
        area = next((a for prefix, a in _AREAS.items() if name.startswith(prefix)), "All services")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames) or "none"
        row = (f"`{name}`", str(metric._type), labels, metric._documentation)
        by_area.setdefault(area, []).append(row)
    parts = [
        "# Metrics\n",
        NOTE,
        "Each service serves `/metrics` (Prometheus text format), `/healthz` and `/readyz` on "
        "`TOCSIN_MONITOR_HOST` and `TOCSIN_MONITOR_PORT` ([settings](settings.md)).\n",
        "- `/healthz` is 200 while the main loop moves and 503 when it has not for longer than "
        "`TOCSIN_MONITOR_STALLED_AFTER_S`: restart it.\n"
        "- `/readyz` is 200 while the service does its work, and 503 with the reasons when it "
        "cannot (no partitions, no brands, no connection to its source, no Kafka): restarting does "
        "not help ([operations](operations.md#health)).\n",
        "A service serves its own metrics and those of every service. Each copy of a consumer "
        "serves the lag of every partition, also of those that it does not hold: take the maximum "
        "by partition, then the sum.\n",
        "Times are `…_timestamp_seconds`; an age is `time() - metric`, which keeps "
        "growing while a process hangs. A histogram also serves `_bucket`, `_sum` and `_count`. "
        "A metric with labels appears with its first value. Python's own `process_…` and "
        "`python_…` metrics are served too.\n",
        "The alerts on these are in `deploy/prometheus/rules.yml`, dashboards in "
        "`deploy/grafana/dashboards/`; see [operations](operations.md#dashboards-of-grafana).\n",
    ]
    for area in ("All services", *_AREAS.values()):
        parts.append(f"## {area}\n")
        parts.append(table(("metric", "type", "labels", "meaning"), by_area[area]))
    parts.append("## Old names\n")
    parts.append("Served until 0.3.0 beside the new ones: move dashboards and rules before that.\n")
    renamed = [(f"`{served(old, m)}`", f"`{served(m._name, m)}`") for old, m in OLD.items()]
    parts.append(table(("old name", "new name"), renamed))
    return "\n".join(parts)


# --- topics ----------------------------------------------------------------------------------


def json_type(schema: dict[str, Any]) -> str:
    """What a field takes, from its JSON Schema."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(json_type(option) for option in schema["anyOf"]))
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()}-message)"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {json_type(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {json_type(schema['additionalProperties'])}"
    return {"date-time": "time", "base64": "base64"}.get(
        str(schema.get("format", schema.get("contentEncoding"))), kind
    )


def described(schema: dict[str, Any]) -> str:
    """A field's own description, or that of the only alternative that has one."""
    own = schema.get("description")
    if own is None:
        own = next(filter(None, map(described, schema.get("anyOf", ()))), "")
    bounds = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">"}
    limits = [f"{sign} {schema[key]}" for key, sign in bounds.items() if key in schema]
    return " ".join(filter(None, [str(own), f"({', '.join(limits)})" if limits else ""]))


def field_rows(schema: dict[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """The rows of a message type's fields."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in required else f"`{json.dumps(field.get('default'))}`"
        yield f"`{name}`", json_type(field), default, described(field)


def kept(topic: Topic) -> str:
    """How long a topic keeps its messages."""
    if topic.cleanup == "compact":
        return "the last one of each key (compacted)"
    return f"{topic.retention_days:g} days"


def topics_page() -> str:
    """The registry, then each message type once."""
    types: dict[str, dict[str, Any]] = {}
    overview, details = [], []
    for topic in topics().values():
        overview.append(
            (
                f"[{topic.name}](#{topic.name})",
                topic.key,
                f"[{topic.message}](#{topic.message.lower()}-message)",
                topic.partitions,
                kept(topic),
            )
        )
        details.append(
            f"### {topic.name}\n\n{topic.description} Written by {', '.join(topic.producers)}; "
            f"read by {', '.join(topic.consumers)}. Messages of at most "
            f"{topic.max_message_bytes:,} bytes. JSON Schema: "
            f"`schemas/topics/{topic.name}.schema.json`.\n"
        )
        schema = json.loads((SCHEMAS / f"{topic.name}.schema.json").read_bytes())
        types |= schema.get("$defs", {})
        if "discriminator" in schema:
            types[topic.message] = schema
    parts = [
        "# Topics\n",
        NOTE,
        "Names have the prefix `TOCSIN_KAFKA_TOPIC_PREFIX` (`tocsin.` by default). Values are JSON "
        "in UTF-8, keys are UTF-8 text. `tocsin topics setup` creates what is missing, with the "
        "partitions given here or `TOCSIN_KAFKA_PARTITIONS`, and `min.insync.replicas` of one less "
        "than the replicas; it says where existing topics differ, and `--repair` changes them "
        "([operations](operations.md#your-own-kafka-and-elasticsearch)).\n",
        "A reader ignores fields that it does not know, and a field with a default may be left "
        "out. Times are RFC 3339 with an offset. Offsets into texts count Unicode code points.\n",
        table(("topic", "key", "message", "partitions", "keeps"), overview),
        *details,
        "## Messages\n",
    ]
    for name, schema in sorted(types.items()):
        parts.append(f"### {name} message\n")
        description = inspect.cleandoc(str(schema.get("description", ""))).replace("``", "`")
        parts += [f"{description}\n"] if description else []
        if "discriminator" in schema:
            members = schema["discriminator"]["mapping"].items()
            kinds = (f"{json_type({'$ref': reference})} (`{tag}`)" for tag, reference in members)
            parts.append(f"One of these, by `op`: {', '.join(kinds)}.\n")
            continue
        parts.append(table(("field", "type", "default", "meaning"), list(field_rows(schema))))
    return "\n".join(parts)


# --- commands --------------------------------------------------------------------------------


def commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command below ``command`` that does something, with its full name."""
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, child in children.items():
        if not child.hidden:
            yield from commands(child, (*path, name))


def all_commands() -> dict[tuple[str, ...], Any]:
    """The commands by their names, such as ``("tocsin", "topics", "setup")``."""
    return dict(commands(typer.main.get_command(app), ("tocsin",)))


def parameter_row(parameter: Any) -> tuple[str, str, str]:
    """Name, default and meaning of an argument or an option."""
    if parameter.param_type_name == "argument":
        name = f"`{str(parameter.name).upper()}`" + (" …" if parameter.nargs == -1 else "")
    else:
        name = " / ".join(f"`{text}`" for text in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    if parameter.required:
        shown = "required"
    elif default is None or default == () or "Sentinel" in repr(type(default)):
        shown = "none"
    else:
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
    return name, shown, getattr(parameter, "help", None) or ""


def exit_statuses() -> list[tuple[int, str, str]]:
    """Each error class that has a status: status, name, meaning."""
    return sorted(
        (value.exit_status, value.__name__, (value.__doc__ or "").strip().splitlines()[0])
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.TocsinError)
    )


_ACT = {
    1: "Read the sentence; it says what to do.",
    2: "Correct what it names. Starting again does not help.",
    3: "Start again when the service it names is back; a supervisor may do so at once.",
    4: "Look at the dead letters first; see [operations](operations.md#the-brake).",
}


def cli_page() -> str:
    """Every command with its parameters, and the exit statuses."""
    parts = [
        "# Commands\n",
        NOTE,
        "Results go to standard output, everything else to standard error. Every command takes "
        "`--help`; `tocsin --version` prints the version. Settings come from the environment "
        "([settings](settings.md)).\n",
    ]
    for path, command in all_commands().items():
        takes = [p for p in command.params if "--help" not in getattr(p, "opts", ())]
        words = list(path)
        for parameter in takes:
            if parameter.param_type_name == "argument":
                word = str(parameter.name).upper()
                words.append(word if parameter.required else f"[{word}]")
        if any(p.param_type_name == "option" for p in takes):
            words.insert(len(path), "[OPTIONS]")
        parts.append(f"## {' '.join(path)}\n")
        parts.append(f"```\n{' '.join(words)}\n```\n")
        parts.append((command.help or "").strip() + "\n")
        if takes:
            rows = [parameter_row(parameter) for parameter in takes]
            parts.append(table(("parameter", "default", "meaning"), rows))
    parts.append("## Exit statuses\n")
    statuses: list[tuple[object, str, str]] = [
        (0, "Done, or stopped by SIGTERM in order.", ""),
        *((status, f"`{name}`: {text}", _ACT[status]) for status, name, text in exit_statuses()),
        (
            70,
            "`tocsin process` met another error; its batch is unacknowledged.",
            "Start again: Kafka delivers the batch again. If it repeats, report it with the log.",
        ),
        (130, "Interrupted by Ctrl-C before a service had begun.", ""),
        (
            "128 + n",
            "Killed by signal n (137: SIGKILL, often because memory ran out).",
            "Start again; nothing uncommitted is lost.",
        ),
    ]
    parts.append(
        "A source that needs a person (a wrong token, a missing file) ends with 2; `doctor` and "
        "`annotate` end with 1 if they find something wrong.\n"
    )
    parts.append(table(("status", "meaning", "what to do"), statuses))
    return "\n".join(parts)


# --- layers ----------------------------------------------------------------------------------


def architecture_page() -> str:
    """``architecture.md`` as it is, with the import contracts between its two marks."""
    begin, end = "<!-- layers -->\n", "<!-- /layers -->\n"
    before, rest = (DOCS / "architecture.md").read_text("utf-8").split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n{layers()}\n{end}{after}"


PAGES = {
    "architecture.md": architecture_page,
    "settings.md": settings_page,
    "metrics.md": metrics_page,
    "topics.md": topics_page,
    "cli.md": cli_page,
}


def stale() -> list[str]:
    """Names of the pages that do not say what the code says."""
    return [
        name
        for name, page in PAGES.items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text("utf-8") != page()
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` compare them; returns the exit status."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m docs.generate [--check]\n")
        return 2
    if arguments:
        pages = stale()
        if pages:
            sys.stderr.write(f"stale: {', '.join(pages)}; run 'python -m docs.generate'\n")
        return 1 if pages else 0
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
