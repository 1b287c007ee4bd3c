"""Makes `data/approved_ok` anew: an approved execution of the stand-in's machine, exported from the embedded world.

    python -m tests.orchestrator.make

The other cases are changes of it by hand; whoever makes it anew looks at each of them again.
"""

import json
import re
import shutil
import tempfile
from pathlib import Path

from drproof.engine.export import export, export_settings, write
from drproof.orchestrator import definition
from drproof.targets import embedded
from tests.orchestrator.stand_in import Orchestrated, clients
from tests.patience import until

DATA = Path(__file__).parent / "data"
NAME = "atlas-20261126"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = embedded.start(Path(folder), scenario="none", linger=600)
        try:
            _make(world, DATA / "approved_ok" / "execution")
        finally:
            world.stop()


def _make(world: embedded.World, folder: Path) -> None:
    site = Orchestrated.at(world)
    arn = site.begin(NAME)
    site.answer(arn)
    site.ended(arn)
    builds = clients(world)("codebuild")
    told = [{"name": "ACTION", "value": "teardown"}, {"name": "EXECUTION_ID", "value": NAME}]
    made = builds.start_build(
        projectName="atlas-dr-infra",
        environmentVariablesOverride=told,
        buildspecOverride="version: 0.2\nphases:\n  build:\n    commands:\n      - echo done\n",
    )["build"]
    until(lambda: builds.batch_get_builds(ids=[made["id"]])["builds"][0]["buildStatus"] != "IN_PROGRESS")
    settings = export_settings({"target": "embedded"}, {}, Path("/"))
    shutil.rmtree(folder, ignore_errors=True)
    write(export(arn, settings, world.endpoint), folder)
    _with_the_generated_machine(folder / "definition.json")


def _with_the_generated_machine(path: Path) -> None:
    """Let the export say that the generated machine ran: the stand-in's is too small to be sound."""
    exported = json.loads(path.read_bytes())
    function = re.findall(r'"FunctionName": "(arn:[^"]+)"', exported["definition"])[0]
    text = definition.text().replace(definition.FUNCTION, function)
    path.write_text(json.dumps({**exported, "definition": json.dumps(json.loads(text))}, indent=1))


if __name__ == "__main__":
    main()
