"""A drill that several tests look at is run once, whoever asks first."""

import subprocess
import sys
import threading

import pytest

from tests.drill.conftest import SECONDS, Drill
from tests.drill.shared import Shelf
from tests.patience import PATIENCE

OTHER = """
import sys, time
from pathlib import Path
from tests.drill.conftest import Drill
from tests.drill.shared import Shelf

def run(folder):
    with open(sys.argv[2], "a") as ran:
        ran.write("x")
    time.sleep(0.2)
    return Drill(3, "said", folder / "reports")

print(Shelf(Path(sys.argv[1])).drill("one", run))
"""


def test_processes_that_ask_at_once_get_one_drill(tmp_path, pytestconfig):
    ran = tmp_path / "ran"
    words = [sys.executable, "-c", OTHER, str(tmp_path), str(ran)]
    asking = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=pytestconfig.rootpath) for _ in range(3)]
    said = {process.communicate(timeout=SECONDS)[0].strip() for process in asking}

    assert said == {str(Drill(3, "said", tmp_path / "one/reports"))}
    assert ran.read_text() == "x"


def test_a_drill_that_left_no_bundle_has_none_for_whoever_comes_later(tmp_path):
    shelf = Shelf(tmp_path)
    first = shelf.drill("refused", lambda _: Drill(4, "no", None))

    assert shelf.drill("refused", _never) == first == Drill(4, "no", None)


def test_what_was_not_finished_is_made_anew(tmp_path):
    shelf = Shelf(tmp_path)

    def dies(folder):
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shelf.drill("one", dies)
    whole = threading.Thread(
        target=lambda: shelf.drill("one", lambda folder: Drill(0, str(list(folder.iterdir())), None))
    )
    whole.start()
    whole.join(PATIENCE)

    assert shelf.drill("one", _never).output == "[]"


def _never(_):
    raise AssertionError("it was run already")
