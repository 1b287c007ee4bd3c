"""What to do next about a bundle that is not as demanded, by the first finding of the class that decides."""

from pathlib import Path

from drproof.evidence.verification import INVALID, SIGNATURES, Verification, class_of

SIGNED_OTHERWISE = "compare the key id with its owner on another way, then enter the key in {trust}"
ANOTHER = "ask for the bundle that you expect: this one is another"

BY_CODE = {
    "trust-file": "name a trust file of your own with --trust; docs/bundle-format.md, section 5, says what is in it",
    "usage": "drproof verify --help",
    "not-closed": "drproof status {bundle} says how far it came; whoever ran it seals it by drproof resume",
    "partial": "ask for the drill's last window, which builds on this one, or leave out --require-full",
    "incomplete": "drproof status {bundle} says how each phase ended",
    "refuted": "read {bundle}/proof.html: it says which claim is refuted, and by what",
    "unsigned": "ask for a bundle that is signed: nothing shows who made this one",
    "key-revoked": "ask the key's owner since when it is not to be believed; a drill signed by another key is needed",
    "drill": ANOTHER,
    "nonce": ANOTHER,
    "account": ANOTHER,
    "region": ANOTHER,
    "previous": ANOTHER,
    "too-old": "ask for a newer drill, or say with --max-age how old one may be",
    "in-the-future": "compare the clocks of this machine and of the one that drilled",
    "level": "docs/bundle-format.md, section 7, says what each level asks for; or demand less with --require-level",
    "rehearsal": "the same command with --accept-rehearsal, if a rehearsal is what you mean to look at",
}
FOLDER = "name the folder of a drill, reports/<drill-id>"
SPOILED = "have the bundle sent again, or copy it from its receipt store; believe nothing in this folder"


def next_of(found: Verification, bundle: Path, trust: Path | None) -> str:
    """Return the next step; empty where everything is as demanded."""
    deciding = [problem.code for problem in found.problems if class_of(problem.code) == found.status]
    if not deciding:
        return ""
    unsigned = [code for code in deciding if code in SIGNATURES]
    if unsigned and trust is None:
        return "obtain the runner's public key on another way, and name your trust file with --trust"
    code = unsigned[0] if unsigned else deciding[0]
    otherwise = SPOILED if found.status == INVALID else SIGNED_OTHERWISE if unsigned else FOLDER
    return BY_CODE.get(code, otherwise).format(bundle=bundle, trust=trust)
