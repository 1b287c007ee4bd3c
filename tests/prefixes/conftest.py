"""Two prefixes at a server of this machine, and a comparison of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from drproof.engine.prefixes import Comparison
from drproof.model.comparison import Difference
from drproof.targets.aws.s3_ranges import ListedPrefix
from drproof.targets.aws.s3_requests import SignedBucket
from drproof.targets.aws.sessions import Session
from tests.prefixes.bucket_server import SECRET, Bucket, BucketServer, Stored

OWNER = "111122223333"
KEYS = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": SECRET}


@dataclass
class Pair:
    """Two buckets, `left` and `right`, and what compares their prefixes `l/` and `r/`."""

    server: BucketServer

    def listed(self, side: str, prefix: str, *, owner: str = OWNER) -> ListedPrefix:
        session = Session("eu-central-1", endpoint=self.server.address, credentials=KEYS)
        return ListedPrefix(SignedBucket(session, side, owner=owner, first_pause=0.001), prefix)

    def compare(self, left: str = "l/", right: str = "r/", **options: Any) -> tuple[list[Difference], Comparison]:
        found = Comparison(self.listed("left", left), self.listed("right", right), **options)
        return list(found), found


Served = Callable[..., Pair]


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve two mappings of keys without their prefixes to objects."""
    with ExitStack() as stack:

        def serve(left: Mapping[bytes, Stored], right: Mapping[bytes, Stored], **options: Any) -> Pair:
            buckets = {
                "left": Bucket.of({b"l/" + key: one for key, one in left.items()}),
                "right": Bucket.of({b"r/" + key: one for key, one in right.items()}),
            }
            return Pair(stack.enter_context(BucketServer(buckets, owner=OWNER, **options)))

        yield serve
