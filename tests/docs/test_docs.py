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
from sinks.elasticsearch.indices.mappings import MENTION_PROPERTIES

DOCS = generate.DOCS
TOP = DOCS.parent
PAGES = [*sorted(DOCS.rglob("*.md")), TOP / "README.md"]
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(`{3,}).*?^\1`*\s*$", re.MULTILINE | re.DOTALL)


def _read(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_generated_pages_say_what_the_code_says() -> None:
    assert not generate.stale(), "run 'python -m docs.generate' and commit what it writes"


def test_generated_pages_name_everything_and_say_what_it_is() -> None:
    page = _read("settings.md")
    for group in GROUPS:
        for name, field in group.model_fields.items():
            assert f"| `{generate.variable(group, name)}`" in page
            assert field.description, f"{name} has no description"
    page = _read("metrics.md")
    assert all(f"| `{name}` |" in page for name in generate.all_metrics())
    page = _read("topics.md")
    for topic in topics().values():
        assert f"### {topic.name}\n" in page and f"### {topic.message} message\n" in page
    page = _read("cli.md")
    for path, command in generate.all_commands().items():
        assert f"## {' '.join(path)}\n" in page
        assert command.help, f"{' '.join(path)} has no help"


def test_exit_statuses_are_on_both_pages() -> None:
    for status, name, _ in generate.exit_statuses():
        assert f"| {status} | `{name}`" in _read("cli.md")
        assert f"| {status} |" in _read("operations.md")


def test_the_index_names_every_page() -> None:
    index = _read("index.md")
    for page in sorted(DOCS.rglob("*.md")):
        relative = page.relative_to(DOCS).as_posix()
        assert relative == "index.md" or f"]({relative})" in index, relative


def _slug(heading: str) -> str:
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _anchors(page: Path) -> set[str]:
    text = _FENCE.sub("", page.read_text("utf-8"))
    return {_slug(heading) for heading in re.findall(r"^#{1,6} (.*)$", text, re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(TOP)))
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
    folders = "deploy|schemas|text|runtime|queries|brands|ingestors|processors|sinks|tocsin|tests"
    for page in DOCS.glob("*.md"):
        text = page.read_text("utf-8")
        for name in re.findall(rf"`((?:{folders})/[\w./-]+)`", text):
            assert (TOP / name).exists(), f"{page.name}: {name}"


def test_examples_of_brands_can_be_applied(tmp_path: Path) -> None:
    blocks = _blocks(DOCS / "brands.md", "yaml")
    examples = [block for block in blocks if block.startswith("brands:")]
    assert examples
    for example in examples:
        (path := tmp_path / "brands.yaml").write_text(example, "utf-8")
        assert load_brands(path)


def test_every_field_of_a_brand_and_of_the_index_is_explained() -> None:
    page = _read("brands.md")
    for type_ in (Brand, AlertPolicy):
        for field in msgspec.structs.fields(type_):
            assert f"`{field.name}`" in page, field.name
    page = _read("elasticsearch.md")
    for name in MENTION_PROPERTIES:
        assert f"`{name}`" in page or f"`{name}." in page, name


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def test_yaml_and_python_in_pages_are_valid() -> None:
    for page in DOCS.glob("*.md"):
        for block in _blocks(page, "yaml"):
            yaml.safe_load(block)
        for block in _blocks(page, "python"):
            compile(block, page.name, "exec")


class _Forum:
    """Has one post, one unreadable post, then nothing."""

    def posts_after(self, after: int, limit: int) -> list[dict[str, str]]:
        if after:
            return []
        post = {"id": "1", "date": "2026-03-02T12:00:00+00:00", "user": "ana", "body": "Velmora!"}
        return [post, {"id": "2"}]

    def close(self) -> None:
        pass


def test_the_example_of_a_source_works() -> None:
    namespace: dict[str, Any] = {}
    (block,) = _blocks(DOCS / "sources.md", "python")
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
    assert len(rows) == 6
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
    blocks = _blocks(DOCS / "elasticsearch.md", "json")
    assert blocks
    for block in blocks:
        for path in re.findall(r'"(?:field|term|range|tokens)": ?\{?"?([\w.]+)"', block):
            assert path.partition(".")[0] in {*MENTION_PROPERTIES, "all_of"}, path
        json.loads(block)
