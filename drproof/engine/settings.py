"""Settings of a run: option before environment before `drproof.toml`, each with the place it came from.

The embedded world brings its own names as a fourth, last place; against it the environment does not speak of
places, because a developer's shell often names a real account.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from drproof.engine.leaf import Leaf, convert, empty
from drproof.engine.leaves import BY_PATH, LEAVES
from drproof.engine.refusal import nearest, refuse
from drproof.engine.releases import image_of
from drproof.model.criteria import Input

FILE_NAME = "drproof.toml"
OF_ONE_WINDOW = ("limits.", "promotion.", "cost.", "reports")
"""The settings that the next window does not take over from the one before."""

EMBEDDED = "embedded"
IMAGE, RELEASE = "drill.image_ref", "drill.release_metadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """Every setting with its value and its source."""

    values: Mapping[str, Any]
    sources: Mapping[str, str]

    def __getitem__(self, path: str) -> Any:  # noqa: ANN401 — each leaf has its own type
        """Return one setting."""
        return self.values[path]

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The settings that somebody set, with their sources, as the plan records them."""
        return tuple(
            Input(name=path, value=_printed(value), source=self.sources[path])
            for path, value in sorted(self.values.items())
            if self.sources[path] != "default"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One injected failure, as the embedded world's table describes it."""

    name: str
    says: str
    settings: Mapping[str, Any]


def find_file(start: Path) -> Path | None:
    """Return the nearest `drproof.toml` at or above `start`."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return None


def read_file(path: Path) -> dict[str, Any]:
    """Return the settings of a file, flattened.

    Raises:
        Refusal: it is not TOML, or has a key that no setting has.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise refuse(f"{path} cannot be read: {exc}", next_step=f"mend {path}, then run the same command") from exc
    return dict(_flattened(document, str(path)))


def scenarios() -> tuple[str, ...]:
    """Return the names of the failures that the embedded world can inject."""
    return tuple(sorted(_table("scenarios.toml")))


def scenario(name: str) -> Scenario:
    """Return a scenario by name.

    Raises:
        Refusal: there is none of that name.
    """
    table = _table("scenarios.toml")
    if name not in table:
        raise refuse(f"there is no scenario {name!r}", expected=nearest(name, table), next_step="drproof scenarios")
    row = table[name]
    return Scenario(name=name, says=row["says"], settings=dict(_flattened(row.get("settings", {}), f"scenario {name}")))


def setting(path: str, options: Mapping[str, Any], environment: Mapping[str, str], directory: Path) -> Any:  # noqa: ANN401
    """Return one setting, for what needs no target; its default where nobody says anything.

    Raises:
        Refusal: it is not of its kind, or `drproof.toml` cannot be read.
    """
    leaf, file = BY_PATH[path], find_file(directory)
    value, _ = _first(leaf, options, environment, read_file(file) if file else {}, {}, {}, file, places=True)
    return convert(leaf, leaf.default) if value is None and leaf.default is not None else value


def resolve(  # noqa: PLR0913 — every place that settings come from
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    file: Path | None,
    *,
    scenario_name: str = "",
    needed: tuple[str, ...] = ("",),
    earlier: Mapping[str, Any] | None = None,
    directory: Path | None = None,
) -> Resolved:
    """Return all settings.

    `options` maps option names to what the command line says, None for what it does not say. `needed` holds the
    beginnings of the settings that must not be missing; what is missing and not needed is empty. `earlier` holds the
    settings of the run that this one builds on: they hold where nobody says anything else.

    Raises:
        Refusal: a value is not of its kind, a required one is missing, or a place contradicts the target.
    """
    from_file = read_file(file) if file else {}
    target_leaf = BY_PATH["target"]
    said = {path: value for path, value in (earlier or {}).items() if not path.startswith(OF_ONE_WINDOW)}
    target, target_source = _first(target_leaf, options, environment, from_file, said, {}, file, places=True)
    if target is None:
        raise refuse(
            "no target is set: a drill is never rehearsed by accident",
            expected="--target embedded for a rehearsal, or --target aws",
            got="nothing from option, environment or drproof.toml",
            next_step='the same command with --target embedded, which rehearses; or set target = "aws" in drproof.toml',
        )
    embedded = target == EMBEDDED
    if scenario_name and not embedded:
        raise refuse(
            f"--scenario {scenario_name} injects a failure into the embedded world",
            expected="--target embedded",
            got=f"target {target} ({target_source})",
            next_step=f"the same command with --target embedded --scenario {scenario_name}",
        )
    world = dict(_flattened(_table("settings.toml"), "the embedded world")) if embedded else {}
    if scenario_name:
        world |= scenario(scenario_name).settings
    where = directory or Path()
    metadata = _first(BY_PATH[RELEASE], options, environment, from_file, {}, {}, file, places=not embedded)
    released = image_of(where, *metadata) if metadata[0] and IMAGE.startswith(needed) else ("", "")
    values: dict[str, Any] = {"target": target}
    sources: dict[str, str] = {"target": target_source}
    for leaf in LEAVES:
        if leaf.path == "target":
            continue
        value, source = _first(leaf, options, environment, from_file, said, world, file, places=not embedded)
        if leaf.path == IMAGE and released[0]:
            value, source = _the_image(value, source, released)
        if value is None and leaf.default is None and leaf.path.startswith(needed):
            raise _missing(leaf, file)
        if value is None:
            value, source = empty(leaf) if leaf.default is None else convert(leaf, leaf.default), ""
        values[leaf.path] = value
        sources[leaf.path] = source or "default"
    if embedded:
        _refuse_real_places(values, sources, world)
    return Resolved(values=values, sources=sources)


def _first(  # noqa: PLR0913 — the five places a value can come from
    leaf: Leaf,
    options: Mapping[str, Any],
    environment: Mapping[str, str],
    from_file: Mapping[str, Any],
    earlier: Mapping[str, Any],
    world: Mapping[str, Any],
    file: Path | None,
    *,
    places: bool,
) -> tuple[Any, str]:
    """Return the value of the first place that says something, with the place's name."""
    option = "--" + leaf.option.replace("_", "-")
    candidates: list[tuple[object, str]] = []
    if leaf.option:
        candidates.append((options.get(leaf.option), f"option {option}"))
    if leaf.environment and (places or not leaf.of_the_world):
        candidates.append((environment.get(leaf.environment), f"environment {leaf.environment}"))
    candidates.append((from_file.get(leaf.path), f"{file.name if file else FILE_NAME} {leaf.path}"))
    if not any(value is not None for value, _ in candidates) and leaf.path in earlier:
        value = earlier[leaf.path]
        return tuple(value) if isinstance(value, list) else value, "the earlier run"
    candidates.append((world.get(leaf.path), "the embedded world"))
    for value, source in candidates:
        if value is None:
            continue
        none_at_all = leaf.optional and source.startswith(FILE_NAME)
        if value == "" and (leaf.default != "" or leaf.optional) and not none_at_all:
            # An empty variable of a CI system is a mistake, not a choice of the default.
            raise refuse(f"{source} is empty", expected=leaf.says, got="''", next_step=f"set {source}, or leave it out")
        try:
            return convert(leaf, value), source
        except ValueError as exc:
            raise refuse(f"{source}: {exc}", next_step=f"mend {source}, then run the same command") from exc
    return None, ""


def _the_image(value: str | None, source: str, released: tuple[str, str]) -> tuple[str, str]:
    """Return the image of the release, where nobody names another one; the world names one for want of any."""
    if value is None or source == "the embedded world":
        return released
    if value != released[0]:
        raise refuse(
            f"two images are named, by {source} and by {released[1]}",
            expected=released[0],
            got=value,
            next_step="leave out one of them",
        )
    return value, source


def _missing(leaf: Leaf, file: Path | None) -> ValueError:
    ways = [
        f"--{leaf.option.replace('_', '-')}" if leaf.option else "",
        f"environment {leaf.environment}" if leaf.environment else "",
        f"{leaf.path} in {file or FILE_NAME}",
    ]
    return refuse(
        f"{leaf.path} is not set: {leaf.says}",
        expected=" or ".join(way for way in ways if way),
        got="nothing",
        next_step="set it, or rehearse: the same command with --target embedded",
    )


def _refuse_real_places(values: Mapping[str, Any], sources: Mapping[str, str], world: Mapping[str, Any]) -> None:
    """A rehearsal must not be taken for a drill of the places that the command line names."""
    uri, source = values["drill.backup_uri"], sources["drill.backup_uri"]
    bucket = str(world["drill.backup_uri"]).split("/")[2]
    if not str(uri).startswith(f"s3://{bucket}/"):
        raise refuse(
            f"the target is embedded, and the embedded world has no {uri} ({source})",
            expected=f"a restore point under s3://{bucket}/, or --target aws",
            got=str(uri),
            next_step=f"the same command with --target aws --backup-uri {uri} --expected-account-id <account>",
        )
    stores = _table("receipt_stores.toml")
    place = str(values["receipts.uri"])
    if place.startswith("s3://") and place.split("/")[2] not in stores:
        raise refuse(
            f"the target is embedded, and the embedded world has no {place} ({sources['receipts.uri']})",
            expected=f"a prefix in one of its buckets for receipts: {', '.join(stores)}",
            got=place,
            next_step=f"the same command with --receipt-uri s3://{next(iter(stores))}/receipts",
        )


def _flattened(document: Mapping[str, Any], where: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        path = f"{prefix}{key}"
        if path in BY_PATH:
            yield path, value
        elif isinstance(value, dict) and any(known.startswith(f"{path}.") for known in BY_PATH):
            yield from _flattened(value, where, f"{path}.")
        else:
            raise refuse(
                f"{where} has a setting {path!r} that drproof does not know",
                expected=nearest(path, BY_PATH),
                next_step=f"mend {where}, then run the same command",
            )


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((files("drproof") / "embedded" / name).read_text(encoding="utf-8"))


def _printed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(item["name"] if isinstance(item, dict) else str(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in sorted(value.items()))
    return str(value)
