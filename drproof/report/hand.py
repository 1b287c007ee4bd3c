"""How to verify a bundle with the tools of any Unix, drproof not among them."""

from dataclasses import dataclass

from drproof.evidence.bundle import Bundle
from drproof.evidence.integrity import CLOSING, OPENING, PLAN
from drproof.report import facts

SEALED = "every sealed file is unchanged"
SUMS = r"""sed 's/.*"sha256":"\([0-9a-f]*\)"},"name":"\(.*\)"/\1  \2/'"""
SUBJECTS = r"""grep -o '"digest":{"sha256":"[0-9a-f]*"},"name":"[^"]*"'"""


def _field(name: str, file: str) -> str:
    return f"""grep -o '"{name}":"[^"]*"' {file} | head -n 1 | cut -d '"' -f 4 | base64 -d"""


PAYLOAD = _field("payload", CLOSING)
SIGNATURE = (
    f'd=$(mktemp -d); {PAYLOAD} > "$d/payload"; {_field("sig", CLOSING)} > "$d/sig"'
    """; { printf 'DSSEv1 28 application/vnd.in-toto+json %s ' $(wc -c < "$d/payload"); cat "$d/payload"; }"""
    """ > "$d/signed"; openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in "$d/signed" -sigfile "$d/sig\""""
)
FILES = f"{PAYLOAD} | {SUBJECTS} | {SUMS} | sha256sum --check --strict --quiet && echo '{SEALED}'"
COUNT = f"find . -type f ! -path ./{CLOSING} ! -path './after/*' | wc -l; {PAYLOAD} | grep -o '\"file_count\":[0-9]*'"
OPENED = f"{_field('payload', OPENING)} | {SUBJECTS}; sha256sum {PLAN}"
CHAIN = (
    f"previous=$(sha256sum {OPENING} | cut -c 1-64)"
    "; for file in $(ls receipts/*.json | sort -V)"
    r"""; do grep -q "\"previous\":\"$previous\"" $file || echo $file breaks the chain"""
    "; previous=$(sha256sum $file | cut -c 1-64); done; echo $previous"
)
DIGEST = f"sha256sum {OPENING}"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to check: what it shows, the line to type, and what must come out."""

    shows: str
    line: str
    expect: str


def steps(bundle: Bundle) -> tuple[Step, ...]:
    """Return the checks in order; each line runs in the bundle's folder."""
    signed = Step(
        "The closing was signed by the key in key.pem, a public key (Ed25519) that you were given on another way.",
        SIGNATURE,
        "Signature Verified Successfully",
    )
    return (
        *((signed,) if bundle.signers else ()),
        Step("Every file is the one that was sealed.", FILES, SEALED),
        Step("No file was added: the folder holds as many as were sealed.", COUNT, "the same number twice"),
        Step("The plan is the one that was fixed before the first effect.", OPENED, "the same digest twice"),
        Step("Each receipt names the one before it, and the first names the opening.", CHAIN, facts.chain_head(bundle)),
        Step("This page speaks of this bundle.", DIGEST, bundle.opening_digest),
    )
