"""The tables that lock a state, and what keeps a module from colliding with one that is there already."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from drproof.analysis.terraform.being_made import Free, How, Passed, made
from drproof.analysis.terraform.evaluating import Scope, Unknown, value_of
from drproof.analysis.terraform.facts import Guard, LockTable
from drproof.analysis.terraform.sources import Source, callers
from drproof.formats.hcl import Block, Expression

TABLE = "aws_dynamodb_table"
LOCK_KEY = "LockID"
"""The hash key that Terraform's S3 backend writes its locks under."""
NO_KEY = Unknown("its hash key is not written here")
INDEX = re.compile(r"\[[^\]]*\]")
WORST: tuple[Guard, ...] = ("none", "unknown", "condition", "import", "off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way from a root module to a module that it calls, however far down."""

    root: Source
    prefix: str = ""
    """What addresses in the module begin with, as the root writes them."""
    scope: Scope
    """What names stand for at the end of the way."""
    calls: tuple[How, ...] = ()
    """At which plans each call on the way is made."""


def lock_tables(sources: Sequence[Source], source: Source, scope: Scope, named: frozenset[str]) -> Iterator[LockTable]:
    """Yield each table of a module that locks a state, or may.

    `scope` is what the module's names stand for by default; `named` are the tables that backends lock by.
    """
    ways = list(_ways(sources, source, ()))
    for block in source.blocks("resource"):
        if block.labels[:1] != (TABLE,):
            continue
        name = value_of(block.attributes.get("name"), scope)
        key = value_of(block.attributes.get("hash_key", NO_KEY), scope)
        surely = key == LOCK_KEY or (isinstance(name, str) and name in named)
        if not surely and not isinstance(key, Unknown):
            continue
        address = ".".join(block.labels)
        guards = {_guard(way, address, made(block, way.scope)) for way in ways} or {"unknown"}
        guard = next(one for one in WORST if one in guards)
        why = "at which plans it is made is not understood here" if guard == "unknown" else ""
        if guard == "none" and not surely:
            guard, why = "unknown", f"whether it locks a state is not known: {key.why}"
        yield LockTable(at=address, name=name if isinstance(name, str) else "", guard=guard, why=why)


def named_by_backends(backends: Sequence[Block], scope: Scope) -> Iterator[str]:
    """Yield the table that each backend locks by."""
    for block in backends:
        table = value_of(block.attributes.get("dynamodb_table"), scope)
        if isinstance(table, str) and table:
            yield table


def _ways(sources: Sequence[Source], source: Source, met: tuple[str, ...]) -> Iterator[Way]:
    if source.place in met:
        return
    calling = callers(sources, source)
    if not calling:
        variables: dict[str, Any] = {name: Free() for name, _ in _variables(source)}
        yield Way(root=source, scope=_scope(source, variables))
    for caller, call in calling:
        for way in _ways(sources, caller, (*met, source.place)):
            variables = {name: _given(call, name, default, way.scope) for name, default in _variables(source)}
            yield Way(
                root=way.root,
                prefix=f"{way.prefix}module.{'.'.join(call.labels)}.",
                scope=_scope(source, variables),
                calls=(*way.calls, made(call, way.scope)),
            )


def _variables(source: Source) -> Iterator[tuple[str, Any]]:
    for block in source.blocks("variable"):
        if block.labels:
            yield block.labels[0], block.attributes.get("default", Unknown("it has no default"))


def _given(call: Block, name: str, default: object, scope: Scope) -> object:
    if name not in call.attributes:
        return default
    value = value_of(call.attributes[name], scope)
    return Passed(value=call.attributes[name], scope=scope) if isinstance(value, Unknown) else value


def _scope(source: Source, variables: dict[str, Any]) -> Scope:
    return Scope(
        variables, {name: value for block in source.blocks("locals") for name, value in block.attributes.items()}
    )


def _guard(way: Way, address: str, itself: How) -> Guard:
    """Return what guards a table on one way: it is not made, taken over, or made only where that is said."""
    at_plans = (*way.calls, itself)
    if "never" in at_plans:
        return "off"
    taken_over = {
        made(block, Scope({name: Free() for name, _ in _variables(way.root)}, _scope(way.root, {}).locals))
        for block in way.root.blocks("import")
        if _leads_to(block, f"{way.prefix}{address}")
    }
    if taken_over & {"always", "sometimes"}:
        return "import"
    if "sometimes" in at_plans:
        return "condition"
    return "unknown" if "unknown" in (*at_plans, *taken_over) else "none"


def _leads_to(block: Block, address: str) -> bool:
    to = block.attributes.get("to")
    return isinstance(to, Expression) and INDEX.sub("", to.text) == address
