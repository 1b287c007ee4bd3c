"""The state of a module lies where nobody loses it, and two runs cannot write it at once."""

from dataclasses import replace

from drproof.analysis.terraform.facts import Backend, ModuleRead
from drproof.contracts.terraform.judging import Sources, are_handed_in, judged, module_of, modules, spoiled
from drproof.model.contract import contract
from drproof.model.verdict import Finding

LOCAL = frozenset({"", "inmem", "local"})
NEXT = 'next: write backend "s3" with use_lockfile = true; bucket and key may be said at terraform init'


@contract(
    needs=["read_terraform"],
    plans=["orchestrator"],
    subjects=modules(),
    applies=are_handed_in,
    controls=["NIST CP-9", "NIST CM-2"],
)
def terraform_state_is_remote_and_locked(read_terraform: Sources, subject: str) -> Finding:
    """The module names a backend that is remote and locks the state, or is called by one that does."""
    module = module_of(read_terraform, subject)
    wrong: list[str] = []
    unknown: list[str] = []
    seen: list[str] = []
    for one in _roots(read_terraform, module):
        backend = one.backend
        seen.append(f"{one.name}: {backend.kind or 'none'}, lock {backend.lock}")
        if backend.kind in LOCAL:
            wrong.append(
                f"{one.name} keeps its state on the machine that runs it: it names no remote backend\n  {NEXT}"
            )
        elif backend.lock == "unknown":
            unknown.append(f"{one.name}: {backend.why}")
        elif backend.lock != "held":
            wrong.append(f"{one.name} keeps its state in {backend.kind} without a lock\n  {NEXT}")
    return judged(module, wrong=wrong, unknown=unknown, seen=seen, expected="a remote backend that locks the state")


@terraform_state_is_remote_and_locked.sabotage("the state lies on the machine that runs it")
def on_this_machine(read_terraform: Sources, subject: str) -> Sources:
    """Name no backend."""
    return _with(read_terraform, subject, kind="local")


@terraform_state_is_remote_and_locked.sabotage("nothing locks the state")
def unlocked(read_terraform: Sources, subject: str) -> Sources:
    """Take the lock away."""
    return _with(read_terraform, subject, lock="none")


def _roots(sources: Sources, module: ModuleRead | None) -> list[ModuleRead]:
    """Return the modules whose state it is: itself, or those that call it, however far up."""
    found: dict[str, ModuleRead] = {}
    ahead, met = [module] if module is not None else [], set[str]()
    while ahead:
        one = ahead.pop()
        if one.name in met:
            continue
        met.add(one.name)
        callers = [caller for name in one.called_by if (caller := module_of(sources, name)) is not None]
        if callers:
            ahead += callers
        else:
            found[one.name] = one
    return [found[name] for name in sorted(found)] or ([module] if module is not None else [])


def _with(read_terraform: Sources, subject: str, **changes: str) -> Sources:
    roots = _roots(read_terraform, module_of(read_terraform, subject))

    def change(one: ModuleRead) -> ModuleRead:
        backend: Backend = replace(one.backend, **changes)  # type: ignore[arg-type]  # a lock is one of three words
        return replace(one, backend=backend)

    return spoiled(read_terraform, roots[0].name if roots else subject, change)
