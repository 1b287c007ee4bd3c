"""How to verify a bundle with the tools of any Unix, drproof not among them."""

from dataclasses import dataclass

from drproof.evidence.bundle import Bundle
from drproof.report import facts

SEALED = "every sealed file is unchanged"
FILES = (
    r"""grep -o '"path":"[^"]*","sha256":"[0-9a-f]*"' closing.json"""
    r""" | sed 's/"path":"\(.*\)","sha256":"\(.*\)"/\2  \1/'"""
    rf""" | sha256sum --check --strict --quiet && echo '{SEALED}'"""
)
COUNT = (
    "find . -type f ! -path ./closing.json ! -path './after/*' | wc -l"
    """; grep -o '"file_count":[0-9]*' closing.json"""
)
PLAN = """sha256sum plan.json; grep -o '"plan":{[^}]*}' opening.json"""
CHAIN = (
    "previous=$(sha256sum opening.json | cut -c 1-64)"
    "; for file in $(ls receipts/*.json | sort -V)"
    r"""; do grep -q "\"previous\":\"$previous\"" $file || echo $file breaks the chain"""
    "; previous=$(sha256sum $file | cut -c 1-64); done; echo $previous"
)
OPENING = "sha256sum opening.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to check: what it shows, the line to type, and what must come out."""

    shows: str
    line: str
    expect: str


def steps(bundle: Bundle) -> tuple[Step, ...]:
    """Return the checks in order; each line runs in the bundle's folder."""
    return (
        Step("Every file is the one that was sealed.", FILES, SEALED),
        Step("No file was added: the folder holds as many as were sealed.", COUNT, "the same number twice"),
        Step("The plan is the one that was fixed before the first effect.", PLAN, "the same digest twice"),
        Step("Each receipt names the one before it, and the first names the opening.", CHAIN, facts.chain_head(bundle)),
        Step("This page speaks of this bundle.", OPENING, bundle.opening_digest),
    )
