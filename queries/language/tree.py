"""Traversal of a query's tree."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from queries.language.ast import And, Field, Near, Node, Not, Or


def children(node: Node) -> tuple[Node, ...]:
    """The direct children; the terms of a phrase are not nodes."""
    match node:
        case And(parts) | Or(parts):
            return parts
        case Not(child) | Field(_, child):
            return (child,)
        case Near(left, right):
            return (left, right)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and its descendants, in text order."""
    yield node
    for child in children(node):
        yield from walk(child)


def with_children(node: Node, new: Sequence[Node]) -> Node:
    """The node with other ``children``."""
    match node:
        case And() | Or():
            return replace(node, children=tuple(new))
        case Not() | Field():
            return replace(node, child=new[0])
        case Near():
            return replace(node, left=new[0], right=new[1])
        case _:
            return node
