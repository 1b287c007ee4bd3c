"""S3: a conditional write compares and writes in one turn, so that of many writers exactly one wins."""

import threading
from contextlib import AbstractContextManager, nullcontext

from drproof.embedded.asked import Asked

# The emulator compares `If-Match` and `If-None-Match` itself, but lets another writer come between.
SEAMS = ("moto.s3.responses:S3Response.put_object", "moto.s3.responses:S3Response.delete_object")

_turn = threading.RLock()


def turn(asked: Asked) -> AbstractContextManager[object]:
    """Return what a request must hold while it is answered: writers wait for each other, readers for nobody."""
    return _turn if asked.writes_objects else nullcontext()
