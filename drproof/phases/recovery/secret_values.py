"""The values of Secrets: known in order to be hidden, wherever they turn up."""

import base64
import binascii
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from drproof.model.cluster import SECRET, Manifest
from drproof.model.codec import encode
from drproof.model.context import Context


def hide(ctx: Context, manifests: Collection[Manifest]) -> None:
    """Let nobody print or keep the values of the Secrets among some objects.

    What stands in the plan, in the settings or in an object that is no Secret is none, wherever else it is kept: many
    a Secret holds the name of a bucket.
    """
    secrets = [one for one in manifests if one["kind"] == SECRET.kind]
    others = [one for one in manifests if one["kind"] != SECRET.kind]
    public = json.dumps([encode(ctx.plan), encode(ctx.settings), others], ensure_ascii=False, default=str)
    values = dict.fromkeys(value for one in secrets for value in _values(one))
    ctx.hide(*(value for value in values if json.dumps(value, ensure_ascii=False)[1:-1] not in public))


def _values(secret: Manifest) -> Iterator[str]:
    data: Mapping[str, Any] = secret.get("data") or {}
    for text in map(str, data.values()):
        yield text
        try:
            value = base64.b64decode(text, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
        yield value
        # A log prints one line at a time.
        yield from value.splitlines()
    plain: Mapping[str, Any] = secret.get("stringData") or {}
    for text in map(str, plain.values()):
        yield text
        yield from text.splitlines()
