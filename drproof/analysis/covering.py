"""Whether an object of a cluster is what its manifest says: what was asked for is there, and nothing else.

What a server adds by itself (defaults, status, bookkeeping) is no difference. Whatever else is there beside the
manifest is one: it changes what runs, as whom, or what is let in. Of kinds whose defaults nobody has listed, only an
additional container, variable, command, mount or selected label is.
"""

import base64
import binascii
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final, NamedTuple

from drproof.analysis.server_defaults import ENTRY, Defaults, defaults_of
from drproof.formats import quantity
from drproof.model.cluster import Manifest

OF_THE_SERVER: Final = frozenset(
    {"managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"}
)
APPLIED: Final = frozenset({"kubectl.kubernetes.io/last-applied-configuration", "objectset.rio.cattle.io/applied"})
"""Annotations that repeat the whole object, the values of a Secret among it."""
MARKS: Final = "drproof.io/"
OF_A_SECRET: Final = frozenset({"apiVersion", "kind", "metadata", "type", "immutable"})
"""What of a Secret is no secret."""
SECRET_TEXT: Final = "<secret>"  # noqa: S105 — what is kept in a value's place
EMPTY_TEXT: Final = "<empty>"

Tag = Callable[[bytes], str]
"""Makes a text that stands for a value: the same for the same, and nobody can guess the value from it."""

CONTAINERS: Final = frozenset({"containers", "initContainers", "ephemeralContainers"})
KEYS: Final = {
    **dict.fromkeys((*CONTAINERS, "env", "volumes", "imagePullSecrets"), ("name",)),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
}
"""The member by which a server tells the entries of a list apart."""
OF_A_POD: Final = ("containers", "initContainers", "volumes")
OF_A_CONTAINER: Final = ("command", "args", "env", "envFrom", "volumeMounts")
"""Lists that no server fills by itself: where the manifest has none, there is none."""
WHOLE: Final = frozenset({"env", "volumes"})
"""Lists in whose entries an empty member says something too: which kind of volume it is."""
BY_TEXT: Final = frozenset({"finalizers"})
"""Lists of texts that are sets."""
PROJECTED_BY_THE_SERVER: Final = "kube-api-access-"
CREDENTIALS: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
OF_CREDENTIALS: Final = frozenset({"serviceAccountToken", "configMap", "downwardAPI"})

TEXTS: Final = frozenset({"labels", "annotations", "matchLabels", "nodeSelector"})
SELECTING: Final = frozenset({"selector", "matchLabels", "nodeSelector", "podSelector", "namespaceSelector"})
"""Maps that get no defaults: one entry more selects something else."""
SELECTORS: Final = frozenset({"selector", "podSelector", "namespaceSelector", "labelSelector"})
"""Maps that select everything when they are empty, and something else when they are not there."""
QUANTITY_MAPS: Final = frozenset(
    {
        *("limits", "requests", "hard", "capacity", "overhead", "podFixed"),
        *("min", "max", "default", "defaultRequest", "maxLimitRequestRatio"),
    }
)
QUANTITY_FIELDS: Final = frozenset({"sizeLimit", "divisor", "averageValue"})
SIMPLE = re.compile(r"[A-Za-z0-9_-]+")

_Found = Iterator[tuple[str, str]]
"""Path, and `missing`, `extra`, `order`, or an empty text for another value."""


class _Place(NamedTuple):
    """Where in an object the comparison is."""

    text: str = ""
    """As it is told."""
    steps: tuple[str, ...] = ()
    """As defaults are listed: without the names of entries."""
    around: tuple[Mapping[str, Any], ...] = ()
    """What the manifest has on the way, the object first."""

    def inside(self, wanted: Mapping[str, Any]) -> "_Place":
        return self._replace(around=(*self.around, wanted))

    def member(self, name: str) -> "_Place":
        return self._replace(text=_child(self.text, name), steps=(*self.steps, name))

    def entry(self, name: str) -> "_Place":
        return self._replace(text=f"{self.text}[{name}]", steps=(*self.steps, ENTRY))


def differences(wanted: Manifest, live: Manifest, *, limit: int = 20, ignored: Collection[str] = ()) -> tuple[str, ...]:
    """Return the paths at which a live object does not have what its manifest says, never a value.

    `spec.template.spec.containers[app].env[MODE]`, followed by `: missing`, `: extra` or `: order` where it is that. At
    most `limit` texts, the last of which says how many more there are. `ignored` are paths whose differences, and
    those below them, do not count; `[*]` stands for any entry.
    """
    patterns = [re.compile(re.escape(path).replace(r"\[\*\]", r"\[[^\]]*\]") + r"(?![^.\[])") for path in ignored]
    found = [
        f"{path}: {what}" if what else path
        for path, what in _object(wanted, live)
        if not any(pattern.match(path) for pattern in patterns)
    ]
    if len(found) <= limit:
        return tuple(found)
    return (*found[: limit - 1], f"and {len(found) - limit + 1} more")


def projected(live: Manifest, *, tag: Tag | None = None) -> dict[str, Any]:
    """Return a live object without what changes by itself, and of a Secret no value: what evidence keeps.

    With `tag`, a keyed digest that is no base64 (`hmac-sha256:…`), the values of a Secret and of its annotations become
    its texts, else `<secret>`; `differences` then tells whether two Secrets hold the same.
    """
    result = {name: deepcopy(value) for name, value in live.items() if name != "status"}
    metadata = {name: value for name, value in result.get("metadata", {}).items() if name not in OF_THE_SERVER}
    if annotations := {
        name: text for name, text in (metadata.pop("annotations", None) or {}).items() if name not in APPLIED
    }:
        metadata["annotations"] = annotations
    result["metadata"] = metadata
    if result.get("kind") == "Secret":
        _hide(result, tag)
    return {name: _without_fractions(value) for name, value in result.items()}


def _hide(secret: dict[str, Any], tag: Tag | None) -> None:
    for field, values in [(name, value) for name, value in secret.items() if name not in OF_A_SECRET and value]:
        secret[field] = (
            {name: _hidden(_bytes(text, encoded=field == "data"), tag) for name, text in values.items()}
            if isinstance(values, Mapping)
            else SECRET_TEXT
        )
    for name, text in secret["metadata"].get("annotations", {}).items():
        # Tools keep copies of what they apply in annotations.
        if not name.startswith(MARKS):
            secret["metadata"]["annotations"][name] = _hidden(_bytes(text, encoded=False), tag)


def _hidden(value: bytes, tag: Tag | None) -> str:
    if tag is not None:
        return tag(value)
    return SECRET_TEXT if value else EMPTY_TEXT


def _bytes(text: object, *, encoded: bool) -> bytes:
    content = _decoded(text) if encoded else text
    if isinstance(content, bytes):
        return content
    # A lone surrogate is no UTF-8, and still a text that somebody may have hidden.
    return b"" if content is None else str(content).encode("utf-8", "surrogatepass")


def _without_fractions(value: object) -> object:
    """Return JSON in which a fraction stands as text: evidence has no numbers that readers round differently."""
    if isinstance(value, float):
        return f"{value}"
    if isinstance(value, Mapping):
        return {name: _without_fractions(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_fractions(item) for item in value]
    return value


def _object(wanted: Manifest, live: Manifest) -> _Found:
    apart = {"status"}
    if wanted.get("kind") in ("ConfigMap", "Secret"):
        apart |= {"data", "binaryData", "stringData"}
    ours, theirs = ({name: value for name, value in one.items() if name not in apart} for one in (wanted, live))
    yield from _Comparison(defaults_of(wanted)).map(_Place(), "", ours, theirs)
    if len(apart) > 1:
        yield from _contents(_content(wanted), _content(live))


def _content(holder: Manifest) -> dict[str, object]:
    """Return what a ConfigMap or a Secret holds, decoded, by path."""
    secret = holder.get("kind") == "Secret"
    content: dict[str, object] = {}
    for field, encoded in (("data", secret), ("binaryData", True), ("stringData", False)):
        texts = holder.get(field) or {}
        for name, text in texts.items() if isinstance(texts, Mapping) else [("", texts)]:
            # A server keeps `stringData` in `data`.
            path = _child("data" if field == "stringData" else field, name)
            content[path] = _decoded(text) if encoded else text.encode() if isinstance(text, str) else text
    return content


def _decoded(text: object) -> object:
    try:
        return base64.b64decode("".join(text.split()), validate=True) if isinstance(text, str) else text
    except (binascii.Error, ValueError):
        # What stands for a value that is not kept is compared as the text that it is.
        return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text


def _contents(wanted: Mapping[str, object], live: Mapping[str, object]) -> _Found:
    for path in sorted(wanted.keys() | live.keys()):
        if path not in live:
            yield path, "missing"
        elif path not in wanted:
            yield path, "extra"
        elif wanted[path] != live[path]:
            yield path, ""


class _Comparison:
    """A comparison of two objects of one kind."""

    def __init__(self, defaults: Defaults | None) -> None:
        self.defaults = defaults

    def map(self, at: _Place, key: str, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> _Found:
        inside = at.inside(wanted)
        for name, value in wanted.items():
            if value is None or (at.text == "metadata" and name in OF_THE_SERVER):
                continue
            there = live.get(name)
            if there is None and name in TEXTS:
                there = {}
            if there is None:
                # A server keeps no empty member; only of labels and their like an empty text is one.
                if value or key in TEXTS:
                    yield _child(at.text, name), "missing"
            else:
                measured = key not in TEXTS and (key in QUANTITY_MAPS or name in QUANTITY_FIELDS)
                yield from self._value(inside.member(name), name, value, there, measured=measured)
        if self.defaults is None:
            yield from self._known_to_run(at, key, wanted, live)
            return
        for name, value in live.items():
            if wanted.get(name) is None and not (at.text == "metadata" and name in OF_THE_SERVER):
                yield from self._extra(self.defaults, inside.member(name), key, name, value)

    def _extra(self, defaults: Defaults, at: _Place, key: str, name: str, value: object) -> _Found:
        """Tell what is there beside the manifest, and no server sets by itself; `key` is what it is in."""
        if _is_nothing(key, name, value) or defaults.has(at.steps, value, at.around):
            return
        if isinstance(value, Mapping) and value and (name in TEXTS or defaults.below(at.steps)):
            inside = at.inside({})
            for inner, item in value.items():
                yield from self._extra(defaults, inside.member(inner), name, inner, item)
        elif isinstance(value, list) and value:
            yield from self._list(at, name, [], value)
        else:
            yield at.text, "extra"

    def _known_to_run(self, at: _Place, key: str, wanted: Mapping[str, Any], live: Mapping[str, Any]) -> _Found:
        """Tell what is there beside the manifest of a kind whose defaults nobody knows."""
        if key in SELECTING:
            yield from ((_child(at.text, name), "extra") for name in live if name not in wanted and live[name])
        if isinstance(wanted.get("containers"), list):
            yield from self._unasked(at, OF_A_POD, wanted, live)
        if key in {_in(name) for name in CONTAINERS}:
            yield from self._unasked(at, OF_A_CONTAINER, wanted, live)
        elif key in {_in(name) for name in WHOLE}:
            # A volume that has only a name is an empty folder, and a server says so.
            known = {*wanted, "emptyDir"} if set(wanted) == {"name"} else set(wanted)
            yield from (
                (_child(at.text, name), "extra") for name in live if name not in known and live[name] not in (None, "")
            )

    def _unasked(self, at: _Place, names: Sequence[str], wanted: Mapping[str, Any], live: Mapping[str, Any]) -> _Found:
        for name in names:
            if wanted.get(name) is None and isinstance(live.get(name), list):
                yield from self._list(at.member(name), name, [], live[name])

    def _value(self, at: _Place, key: str, wanted: object, live: object, *, measured: bool) -> _Found:
        if isinstance(wanted, Mapping) and isinstance(live, Mapping):
            yield from self.map(at, key, wanted, live)
        elif isinstance(wanted, list) and isinstance(live, list):
            yield from self._list(at, key, wanted, live)
        elif not _equal(wanted, live) and not (measured and quantity.same(wanted, live)):
            yield at.text, ""

    def _list(self, at: _Place, key: str, wanted: Sequence[Any], live: Sequence[Any]) -> _Found:
        ours, theirs = _entries(key, wanted), _entries(key, live)
        if ours is None or theirs is None:
            ours = {str(place): entry for place, entry in enumerate(wanted)}
            theirs = {str(place): entry for place, entry in enumerate(live)}
        for name, entry in ours.items():
            if name in theirs:
                yield from self._value(at.entry(name), _in(key), entry, theirs[name], measured=False)
            elif not _given_by_the_server(key, entry):
                yield f"{at.text}[{name}]", "missing"
        for name, entry in theirs.items():
            if name not in ours and not _given_by_the_server(key, entry) and not self._sets(at.entry(name), entry):
                yield f"{at.text}[{name}]", "extra"
        if key == "initContainers" and [name for name in ours if name in theirs] != [
            name for name in theirs if name in ours
        ]:
            yield at.text, "order"

    def _sets(self, at: _Place, value: object) -> bool:
        return self.defaults is not None and self.defaults.has(at.steps, value, at.around)


def _in(key: str) -> str:
    """Return what stands for the name of a member inside of a list's entry."""
    return f"{key}{ENTRY}"


def _is_nothing(key: str, name: str, value: object) -> bool:
    """Whether a member that the manifest does not have says nothing, because it is empty."""
    if value is None:
        return True
    if value == "":
        return key not in TEXTS and key not in SELECTING
    if name in SELECTORS or key in {_in(each) for each in WHOLE}:
        return False
    # Templates show when they were made, which they never were.
    return value == [] or (isinstance(value, Mapping) and all(item is None for item in value.values()))


def _equal(one: object, other: object) -> bool:
    # To Python, True is 1.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _entries(key: str, items: Sequence[Any]) -> dict[str, Any] | None:
    """Return the entries of a list by what tells them apart, or None where nothing does."""
    entries: dict[str, Any] = {}
    for item in items:
        names = [str(item[name]) for name in KEYS.get(key, ()) if name in item] if isinstance(item, Mapping) else []
        if key in BY_TEXT and isinstance(item, str):
            names = [item]
        if not names:
            return None
        name = names[0]
        if key == "ports" and (protocol := item.get("protocol") or "TCP") != "TCP":
            name = f"{name}/{protocol}"
        if name in entries:
            return None
        entries[name] = item
    return entries


def _given_by_the_server(key: str, entry: object) -> bool:
    """Whether an entry is how a server gives a pod its account's credentials, and holds nothing else."""
    if not isinstance(entry, Mapping) or not str(entry.get("name")).startswith(PROJECTED_BY_THE_SERVER):
        return False
    if key == "volumeMounts":
        return entry.get("mountPath") == CREDENTIALS
    volume = entry.get("projected")
    if key != "volumes" or set(entry) != {"name", "projected"} or not isinstance(volume, Mapping):
        return False
    return all(set(source) <= OF_CREDENTIALS for source in volume.get("sources") or ())


def _child(path: str, name: str) -> str:
    if not SIMPLE.fullmatch(name):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
