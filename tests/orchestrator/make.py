"""Makes `data/approved_ok` anew: the end `approved` of the real function, exported from the embedded world.

    python -m tests.orchestrator.make

The other cases are changes of it by hand; whoever makes it anew looks at each of them again.
"""

import shutil
import tempfile
from pathlib import Path

from tests.drill.shared import Shelf
from tests.orchestrator import playing

DATA = Path(__file__).parent / "data"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        end = playing.ended(Shelf(Path(place)), "approved")
        folder = DATA / "approved_ok" / "execution"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(end.folder / playing.EXPORTED, folder)


if __name__ == "__main__":
    main()
