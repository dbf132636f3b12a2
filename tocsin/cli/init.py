"""``tocsin init``: a commented brands file from a name and its accounts."""

import re
import sys
import unicodedata
from pathlib import Path
from typing import Annotated, Final

import typer

from schemas.errors import ConfigurationError
from text.terminal import single_line
from tocsin.cli.output import say

_TEMPLATE: Final = """\
# The brands to listen for. docs/brands.md explains every field.
# Check it:    tocsin brands check {file} POSTS
# Publish it:  tocsin brands apply {file}
brands:
  - id: {id}
    name: {name}

    # Words and phrases that name it, in any case, with or without accents.
    names: {names}

    # Accounts that posts address, without @.
    handles: {handles}

    # Languages of the posts to keep (ISO 639-1); all if the list is empty.
    languages: {languages}

    # Phrases in which the name means something else, with the name in them.
    exclude: []

{examples}
    # Its own accounts, as source:account. No service reads them yet.
    owned: []

    # Ids of brands of this file to compare it with.
    peers: []

    # A query instead of names and handles (docs/queries.md):
    # query: >
    #   ({query}) NEAR/9 (panne OR outage)

    # When and whom to alert (docs/alerts.md):
    # alerts:
    #   sensitivity: 1              # higher alerts earlier; above 0, at most 10
    #   minimum_volume: 10          # mentions in 5 minutes; else by the brand's own volume
    #   quiet_hours: 22:00-07:00 Europe/Paris
"""
_NO_EXAMPLES: Final = """\
    # Only for a name that is also a word: posts that mean the brand, and posts that do not.
    # Ten of each are a good start; they must have the name in them.
    # examples:
    #   - {{about: true, text: "a post about {name}"}}
    #   - {{about: false, text: "a post in which {name} means something else"}}
"""
_EXAMPLES: Final = """\
    # {name} is also a word: most posts with it mean something else. Write phrases in 'names', such
    # as {name} with a product, or give ten posts of each kind, as published:
    # examples:
    #   - {{about: true, text: "a post about {name}"}}
    #   - {{about: false, text: "a post in which {name} means something else"}}
"""


def init(
    file: Annotated[Path, typer.Argument(help="The file to write.")] = Path("brands.yaml"),
    name: Annotated[
        list[str] | None,
        typer.Option(help="The brand's name; again for other names, such as of a product."),
    ] = None,
    handle: Annotated[
        list[str] | None, typer.Option(help="An account, with or without @; may be repeated.")
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Keep only posts in this language, such as fr; may be repeated."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
) -> None:
    """Write a commented brands file for one brand; in a terminal it asks for the name.

    Example: `tocsin init --name Velmora --handle velmora --language fr`
    """
    if file.exists() and not force:
        raise ConfigurationError(f"{file} exists already; give another name, or --force")
    names, handles, languages = name or [], handle or [], language or []
    if not names:
        names, handles, languages = _asked(handles, languages)
    _write(file, brands_file(file, names, handles, languages))
    say(f"wrote {file} for {names[0]}")
    _warn(file)
    say("next:")
    for command, meaning in (
        (f"tocsin brands check {file} POSTS", "what it finds in a file of your posts"),
        (f"tocsin watch --brands {file} brand:{identifier(names[0])}", "live, on Bluesky"),
        (f"tocsin up --brands {file}", "everything, on this machine"),
    ):
        say(f"  {command:<50}  {meaning}")


def _asked(handles: list[str], languages: list[str]) -> tuple[list[str], list[str], list[str]]:
    if not sys.stdin.isatty():
        raise ConfigurationError("there is no name; give one, such as --name Velmora")
    names = [_ask("Name of the brand")]
    names += _several(_ask("Other names, with commas between", ""))
    handles = handles or _several(_ask("Accounts, such as velmora or velmora.example", ""))
    languages = languages or _several(_ask("Languages, such as fr, en; empty for all", ""))
    return names, handles, languages


def _ask(question: str, default: str | None = None) -> str:
    answer: str = typer.prompt(question, default=default, show_default=False, err=True)
    return answer.strip()


def _several(answer: str) -> list[str]:
    return [part for part in re.split(r"\s*,\s*", answer.strip()) if part]


def identifier(name: str) -> str:
    """The id of a brand of this name: ``Zéphalia Air`` gives ``zephalia-air``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].rstrip("-") or "brand"


def brands_file(file: Path, names: list[str], handles: list[str], languages: list[str]) -> str:
    """The text of a brands file; the other fields are in comments."""
    from brands.brand_lint import is_ambiguous, is_short

    names, handles = _lines(names), _lines(handles)
    plain = single_line(names[0], 40)
    doubtful = any(is_ambiguous(each) or is_short(each) for each in names)
    examples = (_EXAMPLES if doubtful else _NO_EXAMPLES).format(name=plain.replace('"', "'"))
    return _TEMPLATE.format(
        file=file,
        id=_yaml(identifier(names[0])),
        name=_yaml(names[0]),
        names=_yaml(list(dict.fromkeys(names))),
        handles=_yaml([each.lstrip("@") for each in handles]),
        languages=_yaml([each.lower() for each in languages]),
        examples=examples,
        query=" OR ".join(f'"{single_line(each, 40)}"' for each in names),
    )


def _lines(written: list[str]) -> list[str]:
    """Each on one line, without the control characters that a paste may hold."""
    return [single_line(each, 200) for each in written]


def _yaml(value: object) -> str:
    """A value on one line of YAML."""
    import yaml

    written = yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**6)
    return written.removesuffix("...\n").strip()


def _write(file: Path, text: str) -> None:
    """Write the file, unless it would be refused."""
    from brands.brands_file import load_brands

    draft = file.with_name(f".{file.name}.new")
    try:
        draft.write_text(text, "utf-8")
        load_brands(draft)
        draft.replace(file)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}") from None
    except ConfigurationError as error:
        raise ConfigurationError(str(error).replace(str(draft), str(file))) from None
    finally:
        draft.unlink(missing_ok=True)


def _warn(file: Path) -> None:
    from brands.brand_lint import lint_brands
    from brands.brands_file import load_brands

    for warning in lint_brands(load_brands(file)):
        say(f"warning: {warning.message}; {warning.hint}")
