"""The documentation is complete: what the code has, the pages name; what pages link to, exists."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from brands.brand_matcher import BrandMatcher
from brands.brands_file import load_brands
from docs import generate
from ingestors.source import Source
from runtime.settings import GROUPS
from schemas.brand import AlertPolicy, Brand
from schemas.post import Author, Post
from schemas.topic_registry import topics
from sinks.elasticsearch.mappings import MENTION_PROPERTIES

DOCS = generate.DOCS
TOP = DOCS.parent
PAGES = [*sorted(DOCS.rglob("*.md")), TOP / "README.md"]
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(`{3,}).*?^\1`*\s*$", re.MULTILINE | re.DOTALL)


def _read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_generated_pages_say_what_the_code_says() -> None:
    assert not generate.stale(), "run 'python docs/generate.py' and commit what it writes"


def test_every_setting_is_documented() -> None:
    rows = _read("settings.md").splitlines()
    for group in GROUPS:
        for name, field in group.model_fields.items():
            variable = generate.variable(group, name)
            (row,) = (row for row in rows if row.startswith(f"| `{variable}`"))
            assert field.description, f"{variable} has no description"
            assert generate.cell(field.description) in row
            assert generate.cell(generate.setting_default(field)) in row
            assert ("`…_FILE`" in row) == generate.is_secret(field)


def test_every_metric_is_documented() -> None:
    rows = _read("metrics.md").splitlines()
    found = generate.all_metrics()
    assert len(found) > 30
    for name, metric in found.items():
        (row,) = (row for row in rows if row.startswith(f"| `{name}`"))
        assert f"| {metric._type} |" in row
        assert all(f"`{label}`" in row for label in metric._labelnames)
        assert generate.cell(metric._documentation) in row


def test_every_topic_and_every_message_is_documented() -> None:
    text = _read("topics.md")
    for topic in topics().values():
        assert f"### {topic.name}\n" in text
        assert f"### {topic.message} message\n" in text
        assert topic.description in text


def test_every_command_and_exit_status_is_documented() -> None:
    text = _read("cli.md")
    found = generate.all_commands()
    assert ("tocsin", "process") in found
    for path, command in found.items():
        assert f"## {' '.join(path)}\n" in text
        assert command.help, f"{' '.join(path)} has no help"
    for status, name, _ in generate.exit_statuses():
        assert f"| {status} | `{name}`" in text
    operations = _read("operations.md")
    for status, _, _ in generate.exit_statuses():
        assert f"| {status} |" in operations


def test_the_readme_is_there() -> None:
    assert (TOP / "README.md").is_file()


def test_the_index_names_every_page() -> None:
    index = _read("index.md")
    for page in sorted(DOCS.rglob("*.md")):
        relative = page.relative_to(DOCS).as_posix()
        assert relative == "index.md" or f"]({relative})" in index, relative


def _slug(heading: str) -> str:
    """The anchor that a heading gets."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text("utf-8"))
    return {_slug(heading) for heading in re.findall(r"^#{1,6} (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.is_file()], ids=lambda p: str(p.relative_to(TOP))
)
def test_links_lead_somewhere(page: Path) -> None:
    text = _FENCE.sub("", page.read_text("utf-8"))
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        wanted = page if not path else (page.parent / path).resolve()
        assert wanted.exists(), f"{page.name}: {target}"
        if anchor and wanted.suffix == ".md":
            assert anchor in _anchors(wanted), f"{page.name}: {target}"


def test_files_that_pages_name_exist() -> None:
    for page in DOCS.glob("*.md"):
        for name in re.findall(
            r"`((?:deploy|schemas|runtime|processors)/[\w./-]+)`", _read(page.name)
        ):
            assert (TOP / name).exists(), f"{page.name}: {name}"


def test_examples_of_brands_can_be_applied(tmp_path: Path) -> None:
    examples = re.findall(r"```yaml\n(brands:.*?)```", _read("brands.md"), re.DOTALL)
    assert examples
    for example in examples:
        path = tmp_path / "brands.yaml"
        path.write_text(example, "utf-8")
        assert load_brands(path)


def test_every_field_of_a_brand_is_explained() -> None:
    text = _read("brands.md")
    for type_ in (Brand, AlertPolicy):
        for field in msgspec.structs.fields(type_):
            assert f"`{field.name}`" in text, field.name


def test_every_field_of_the_index_is_explained() -> None:
    text = _read("elasticsearch.md")
    for name in MENTION_PROPERTIES:
        assert f"`{name}`" in text or f"`{name}." in text, name


def test_yaml_in_pages_is_yaml() -> None:
    for page in DOCS.glob("*.md"):
        for block in re.findall(r"```yaml\n(.*?)```", _read(page.name), re.DOTALL):
            yaml.safe_load(block)


def _python(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", _read(page), re.DOTALL)


def test_python_in_pages_compiles() -> None:
    for page in DOCS.glob("*.md"):
        for block in _python(page.name):
            compile(block, page.name, "exec")


class _Forum:
    """Answers the example's questions: one post, one that is none, then nothing."""

    def posts_after(self, after: int, most: int) -> list[dict[str, str]]:
        if after:
            return []
        post = {"id": "1", "date": "2026-03-02T12:00:00+00:00", "user": "ana", "body": "Velmora!"}
        return [post, {"id": "2"}]

    def close(self) -> None:
        """Nothing is open."""


def test_the_example_of_a_source_works() -> None:
    namespace: dict[str, Any] = {}
    (block,) = _python("sources.md")
    exec(compile(block, "sources.md", "exec"), namespace)
    source: Source = namespace["ForumSource"](_Forum())
    source.open(None)
    batch = source.next_batch()
    source.close()
    assert [event.id for event in batch.events] == ["forum:1"]
    assert len(batch.unreadable) == 1
    assert batch.position == {"after": 2}
    assert source.source_id == "forum"


NAMES = re.compile(r"^\| (handle )?`([^`]+)` \| (.*) \| (.*) \|$", re.MULTILINE)


def _post(text: str) -> Post:
    return Post(
        id="test:1",
        source="test",
        author=Author(id="1"),
        text=text,
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


def test_names_match_as_the_page_says() -> None:
    section = _read("brands.md").partition("## How names match")[2]
    rows = NAMES.findall(section)
    assert len(rows) == 3
    for handle, name, good, bad in rows:
        brand = Brand(
            id="b",
            name="x y z",
            names=[] if handle else [name],
            handles=[name] if handle else [],
        )
        matcher = BrandMatcher([brand])
        for text in re.findall(r'"([^"]+)"', good):
            assert matcher.match(_post(text)), f"{name}: {text}"
        for text in re.findall(r'"([^"]+)"', bad):
            assert not matcher.match(_post(text)), f"{name}: {text}"


def test_queries_in_pages_ask_for_fields_that_exist() -> None:
    blocks = re.findall(r"```json\n(.*?)```", _read("elasticsearch.md"), re.DOTALL)
    assert blocks
    for block in blocks:
        for path in re.findall(r'"(?:field|term|range|tokens)": ?\{?"?([\w.]+)"', block):
            assert path.partition(".")[0] in {*MENTION_PROPERTIES, "all_of"}, path
        json.loads(block)
