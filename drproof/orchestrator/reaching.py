"""How functions reach the recovery cluster: over Systems Manager, because their package has no client of Kubernetes."""

from pathlib import Path

from drproof.engine.refusal import refuse
from drproof.engine.settings import read_file

ACCESS = "ssm"
SETTING = "recovery.cluster_access"


def over_ssm(file: Path | None) -> dict[str, str]:
    """Return the option that functions run by, whatever the default of pytest is.

    Raises:
        Refusal: their settings ask for a kubeconfig.
    """
    said = read_file(file).get(SETTING, ACCESS) if file is not None else ACCESS
    if said != ACCESS:
        raise refuse(
            f"{file} says {SETTING} = {said!r}, and functions have no client of Kubernetes",
            expected=ACCESS,
            got=str(said),
            next_step=f"leave {SETTING} out of {file}: functions reach the cluster over SSM",
        )
    return {"cluster_access": ACCESS}
