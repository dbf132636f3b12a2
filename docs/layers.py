"""Draws the import contracts of ``pyproject.toml`` as Markdown, for ``docs/architecture.md``.

What a module is for comes from the first paragraph of its docstring.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOP = Path(__file__).parents[1]


def purpose(module: str) -> str:
    """The first paragraph of a module's docstring."""
    path = TOP.joinpath(*module.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(source.read_text("utf-8"))) or ""
    first = " ".join(docstring.partition("\n\n")[0].split())
    return re.sub(r":\w+:(?=`)", "", first).replace("``", "`")


def layer_table(contract: dict[str, Any], container: str) -> Iterator[str]:
    """One row a module, the highest layer first; layers are numbered from the top."""
    yield "| layer | module | what it is for |"
    yield "| --- | --- | --- |"
    for number, layer in enumerate(contract["layers"], 1):
        for name in map(str.strip, layer.split("|")):
            module = f"{container}.{name}" if container else name
            yield f"| {number} | `{module}` | {purpose(module)} |"
    yield ""


def names(modules: list[str]) -> str:
    return ", ".join(f"`{module}`" for module in modules)


def rule(contract: dict[str, Any]) -> str:
    """A contract without layers, in one list item."""
    text = f"- **{contract['name']}.** "
    if contract["type"] == "independence":
        return f"{text}None of {names(contract['modules'])} imports another."
    kind = "directly" if contract.get("allow_indirect_imports") else "directly or indirectly"
    text += f"{names(contract['source_modules'])} must not import "
    text += f"{names(contract['forbidden_modules'])}, {kind}"
    exceptions = contract.get("ignore_imports", [])
    return f"{text}; allowed: {names(exceptions)}." if exceptions else f"{text}."


def layers() -> str:
    """The whole section: a table for each contract with layers, then the other contracts."""
    config = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))
    contracts = config["tool"]["importlinter"]["contracts"]
    lines = [
        "A module may import from the layers below its own. Modules of one layer never import "
        "each other.\n"
    ]
    layered = [contract for contract in contracts if contract["type"] == "layers"]
    for contract in sorted(layered, key=lambda contract: "containers" in contract):
        for container in contract.get("containers", [""]):
            lines += [f"### {contract['name']}\n", *layer_table(contract, container)]
    lines.append("### Other contracts\n")
    lines += [rule(contract) for contract in contracts if contract not in layered]
    return "\n".join(lines) + "\n"
