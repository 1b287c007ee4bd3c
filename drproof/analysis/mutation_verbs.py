"""What a command says that it changed in a cluster, in the words of kubectl."""

import re

LINE = re.compile(
    r"\s*(?P<what>[a-z0-9.-]+/[A-Za-z0-9._:-]+|[a-z0-9.-]+ \"[A-Za-z0-9._:-]+\") "
    r"(?P<verb>created|configured|patched|edited|replaced|deleted|force deleted|scaled|autoscaled|labeled|annotated|"
    r"exposed|restarted|rolled back|paused|resumed|tainted|untainted|cordoned|uncordoned|drained|evicted|"
    r"image updated|env updated|serverside-applied|(?:resource requirements|serviceaccount|subjects|selector) updated)"
    r"(?P<dry> \((?:server )?dry run\))?(?: from [a-z0-9.-]+ namespace)?\s*",
    re.ASCII,
)


def made(output: str) -> tuple[str, ...]:
    """Return each thing that an output says was changed, with the verb; dry runs change nothing."""
    lines = (LINE.fullmatch(line) for line in output.splitlines())
    return tuple(f"{line['what']} {line['verb']}" for line in lines if line and not line["dry"])
