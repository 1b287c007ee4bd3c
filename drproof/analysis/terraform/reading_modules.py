"""Modules by their parsed files: which calls which, what variables come to, and what each says about its guardrails."""

from collections.abc import Iterator, Sequence
from typing import Any

from drproof.analysis.terraform.evaluating import Scope, Unknown, converted, value_of
from drproof.analysis.terraform.facts import Backend, ModuleRead, Provider, Written
from drproof.analysis.terraform.function_variables import function_variables
from drproof.analysis.terraform.lock_tables import lock_tables, named_by_backends
from drproof.analysis.terraform.places import images, machine_images, machines, switched, switches, types_of_variables
from drproof.analysis.terraform.sources import Source, called, callers
from drproof.formats.hcl import Block, Expression

LOCK_FILE = ".terraform.lock.hcl"
LOCKING = frozenset({"azurerm", "cloud", "consul", "cos", "gcs", "kubernetes", "pg", "remote"})
"""Backends that lock the state without being told to."""
LOCAL = frozenset({"", "inmem", "local"})
BUILT_IN = frozenset({"terraform"})
"""Providers that are part of Terraform itself."""


def read(sources: Sequence[Source], trigger_variable: str) -> tuple[ModuleRead, ...]:
    """Return what each module says, in the order in which they were handed in.

    `trigger_variable` is the variable that switches on whatever starts by itself.
    """
    modules = _Modules(sources, trigger_variable)
    return tuple(modules.read(source) for source in sources)


class _Modules:
    """Modules that may call one another."""

    def __init__(self, sources: Sequence[Source], trigger_variable: str) -> None:
        self._sources, self._trigger_variable = sources, trigger_variable
        self._scopes: dict[str, Scope] = {}
        self._under_way: set[str] = set()
        self._locking = frozenset(table for source in sources for table in self._tables(source))

    def read(self, source: Source) -> ModuleRead:
        scope = self._scope(source)
        calls = [(call, called(self._sources, source, call)) for call in source.blocks("module")]
        return ModuleRead(
            name=source.name,
            files=source.files,
            called_by=tuple(one.name for one, _ in callers(self._sources, source)),
            unread=tuple(sorted(_told(call) for call, leads_to in calls if leads_to is None)),
            backend=_backend(source, scope),
            switches=(*self._variable(scope), *switches(source.blocks("resource"), scope)),
            machines=(*types_of_variables(scope), *machines(source.blocks("resource"), scope)),
            machine_images=tuple(
                row for name, file in source.parsed.items() if name != LOCK_FILE for row in machine_images(file)
            ),
            images=tuple(images(source.blocks("resource"), scope)),
            providers=tuple(_providers(source, [caller for caller, _ in callers(self._sources, source)])),
            function_variables=tuple(function_variables(source.blocks("resource"), scope)),
            lock_tables=tuple(lock_tables(self._sources, source, scope, self._locking)),
        )

    def _tables(self, source: Source) -> Iterator[str]:
        backends = [one for block in source.blocks("terraform") for one in block.inside("backend")]
        return named_by_backends(backends, self._scope(source))

    def _variable(self, scope: Scope) -> Iterator[Written]:
        if self._trigger_variable in scope.variables:
            yield switched(f"variable.{self._trigger_variable}", scope.variables[self._trigger_variable])

    def _scope(self, source: Source) -> Scope:
        """Return what the module's names stand for: defaults, then values files, then what its callers say."""
        if source.place in self._scopes:
            return self._scopes[source.place]
        variables: dict[str, Any] = {
            block.labels[0]: block.attributes["default"]
            if "default" in block.attributes
            else Unknown(f"var.{block.labels[0]} has no default")
            for block in source.blocks("variable")
            if block.labels
        }
        self._under_way.add(source.place)
        calling = callers(self._sources, source)
        if not calling:
            variables |= {
                name: value
                for file in _values_files(source)
                for name, value in source.parsed[file].attributes.items()
                if name in variables
            }
        types = {block.labels[0]: _type_of(block) for block in source.blocks("variable") if block.labels}
        variables = {name: converted(value, types[name]) for name, value in variables.items()}
        for name in variables:
            given = [value for caller, call in calling for value in self._given(caller, call, name)]
            if given:
                # Where callers differ, none of them can be taken for all.
                same = all(one == given[0] for one in given) and len(given) == len(calling)
                variables[name] = (
                    converted(given[0], types[name]) if same else Unknown(f"var.{name} is another one by each caller")
                )
        self._under_way.discard(source.place)
        written = {name: value for block in source.blocks("locals") for name, value in block.attributes.items()}
        self._scopes[source.place] = Scope(variables, written)
        return self._scopes[source.place]

    def _given(self, caller: Source, call: Block, name: str) -> Iterator[Any]:
        if name not in call.attributes:
            return
        if caller.place in self._under_way:
            yield Unknown(f"{caller.name} calls itself")
            return
        yield value_of(call.attributes[name], self._scope(caller))


def _type_of(variable: Block) -> str:
    told = variable.attributes.get("type")
    return told.text if isinstance(told, Expression) else told if isinstance(told, str) else ""


def _told(call: Block) -> str:
    told = call.attributes.get("source")
    return (
        f"module.{'.'.join(call.labels)} from {told if isinstance(told, str) else 'what is known when it is planned'}"
    )


def _values_files(source: Source) -> list[str]:
    """Return the files whose values Terraform takes by itself, in its order."""
    by_name = sorted(name for name in source.parsed if name.endswith(".auto.tfvars"))
    return [*(["terraform.tfvars"] if "terraform.tfvars" in source.parsed else []), *by_name]


def _backend(source: Source, scope: Scope) -> Backend:
    blocks = list(source.blocks("terraform"))
    if any(True for block in blocks for _ in block.inside("cloud")):
        return Backend(kind="cloud", lock="held")
    found = [one for block in blocks for one in block.inside("backend")]
    if not found:
        return Backend()
    kind = found[-1].labels[0] if found[-1].labels else ""
    if kind in LOCAL:
        return Backend(kind=kind or "local")
    if kind in LOCKING:
        # Consul's lock alone can be switched off.
        said = value_of(found[-1].attributes.get("lock", True), scope) if kind == "consul" else True
        said = converted(said, "bool")
        if isinstance(said, bool):
            return Backend(kind=kind, lock="held" if said else "none")
        why = said.why if isinstance(said, Unknown) else f"expected true or false, got {said!r}"
        return Backend(kind=kind, lock="unknown", why=f"lock of backend {kind}: {why}")
    if kind not in {"s3", "http"}:
        return Backend(kind=kind, lock="unknown", why=f"whether backend {kind} locks is not known here")
    names = ("use_lockfile", "dynamodb_table") if kind == "s3" else ("lock_address",)
    said = [value_of(found[-1].attributes[name], scope) for name in names if name in found[-1].attributes]
    if any(value is True or (isinstance(value, str) and value not in {"", "false"}) for value in said):
        return Backend(kind=kind, lock="held")
    if said and not any(isinstance(value, Unknown) for value in said):
        return Backend(kind=kind)
    why = f"neither of {' and '.join(names)} is written" if len(names) > 1 else f"{names[0]} is not written"
    return Backend(kind=kind, lock="unknown", why=f"{why}: a lock is said at `terraform init`, if at all")


def _providers(source: Source, callers: Sequence[Source]) -> Iterator[Provider]:
    """Yield each provider that is required or used, with what fixes its version; callers lock for what they call."""
    required = {
        name: row
        for block in source.blocks("terraform")
        for inner in block.inside("required_providers")
        for name, row in inner.attributes.items()
    }
    used = {
        block.labels[0].partition("_")[0]
        for kind in ("resource", "data", "ephemeral")
        for block in source.blocks(kind)
        if block.labels
    }
    locked = dict(row for one in (*callers, source) for row in _locked(one))
    for name in sorted({*required, *used} - BUILT_IN):
        row = required.get(name, {})
        constraint = row.get("version", "") if isinstance(row, dict) else row
        origin = row.get("source", "") if isinstance(row, dict) else ""
        origin = origin if isinstance(origin, str) and origin else f"hashicorp/{name}"
        yield Provider(
            name=name,
            constraint=constraint if isinstance(constraint, str) else "",
            locked=locked.get("/".join(origin.split("/")[-2:]), ""),
        )


def _locked(source: Source) -> Iterator[tuple[str, str]]:
    file = source.parsed.get(LOCK_FILE)
    for block in file.inside("provider") if file is not None else ():
        version, hashes = block.attributes.get("version"), block.attributes.get("hashes")
        if block.labels and isinstance(version, str) and hashes:
            yield "/".join(block.labels[0].split("/")[-2:]), version
