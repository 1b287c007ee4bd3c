"""The page about a world that is started by hand says what can be typed as it stands."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/embedded-world.md"


def test_the_commands_of_the_page_start_a_world_and_reach_it(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    typed = [line[4:] for line in page.splitlines() if line.startswith("    ")]
    (before,) = re.findall(r"`drproof fleet manifest` .+ \| `(DRPROOF_.+?)` before it", page)
    typed.append(f"{before} drproof fleet manifest --backups-under s3://atlas-backups/atlas/backups/")
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    output = tmp_path / "output"

    try:
        # Into a file: the world lives on with what it inherited, and a pipe would be read to its end.
        with output.open("wb") as file:
            status = subprocess.run(
                ["bash", "-eu"],
                input="\n".join(typed).encode(),
                cwd=tmp_path,
                env={**os.environ, "PATH": search, "EMBEDDED_WORLD_MEMBERS": "20"},
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=180,
                check=False,
            ).returncode
    finally:
        os.kill(json.loads((tmp_path / "world/world.json").read_text())["pid"], signal.SIGTERM)

    said = output.read_text()
    assert status == 0, said
    assert "rehearsal: an embedded world, not AWS" in said
    assert "POINTER_FILE=fetched/current.json" in said
    assert '"backup_uri": "s3://atlas-backups/atlas/backups/' in said
