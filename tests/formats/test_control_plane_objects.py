"""The control plane as ConfigMaps: what they hold is what the bundle holds, byte for byte."""

import base64
import hashlib
import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.formats import manifests
from drproof.formats.control_plane_objects import KEY, MAX_BYTES, contents, expected_keys, fitting, render, written
from drproof.model.errors import FormatError

HEX = "ab" * 32
FILES = {
    "manifest.json": b"{}",
    "candidates/registry.json": b'  {"leading": "space"}\r\n\n\n',
    "candidates/local/candidate_profile.json": "grüß 🙂\n".encode(),
    "candidates/local/manifest.json": b"nested",
    "alerts/alerts.json": b"",
    "alerts/logo.png": b"\x89PNG\xff",
    "alerts/bell.txt": b"\x07",
}


def rendered(files=FILES, sections=("candidates", "alerts"), name="atlas-{section}"):
    return render(
        files, sections=sections, name=name, namespace="atlas", bundle_sha256=HEX, labels={"drproof.io/drill": "x"}
    )


def refused(function, *arguments, **options):
    with pytest.raises(FormatError) as caught:
        function(*arguments, **options)
    return caught.value


def test_each_section_is_one_config_map_that_says_which_bundle_it_is_of():
    candidates, alerts = rendered()
    assert candidates["metadata"] == {
        "name": "atlas-candidates",
        "namespace": "atlas",
        "labels": {"drproof.io/drill": "x"},
        "annotations": {"drproof.io/bundle-sha256": HEX},
    }
    assert candidates["data"] == {
        "local__candidate_profile.json": "grüß 🙂\n",
        "local__manifest.json": "nested",
        "registry.json": '  {"leading": "space"}\r\n\n\n',
    }
    assert "binaryData" not in candidates
    assert (alerts["apiVersion"], alerts["kind"]) == ("v1", "ConfigMap")
    assert alerts["data"] == {"alerts.json": ""}
    assert alerts["binaryData"] == {
        "bell.txt": base64.b64encode(b"\x07").decode(),
        "logo.png": base64.b64encode(b"\x89PNG\xff").decode(),
    }


HARD = st.text(st.sampled_from(" \t\r\n\x85\u2028\ufeff\"\\'#:-?!&*%@`|>~no019.eé🙂"), max_size=12).map(str.encode)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[-._a-zA-Z0-9]{1,9}", fullmatch=True), HARD | st.binary(max_size=9), min_size=1))
def test_what_is_written_as_yaml_is_read_as_the_same_objects(inside):
    files = {f"alerts/{path}": content for path, content in inside.items() if KEY.fullmatch(path)}
    if not files:
        return
    objects = rendered(files, sections=["alerts"])

    text = written(objects)

    assert manifests.read("control-plane.yaml", text) == objects
    assert list(yaml.safe_load_all(text)) == list(objects)
    pure = yaml.dump_all(
        list(objects), Dumper=yaml.SafeDumper, default_style='"', default_flow_style=False, allow_unicode=False,
        width=1 << 30, sort_keys=True, explicit_start=True,
    )  # fmt: skip
    assert pure.encode() == text


def test_a_text_is_written_on_one_line_in_quotes():
    lines = written(rendered()).decode().splitlines()

    assert '  "registry.json": "  {\\"leading\\": \\"space\\"}\\r\\n\\n\\n"' in lines
    assert lines[0] == "---"


@pytest.mark.parametrize("path", ["alerts/a b", "alerts/" + "a" * 254, "alerts/.", "alerts/..x"])
def test_a_path_that_makes_no_key_is_told_before_anything_is_rendered(path):
    sizes = {"alerts/fine": 3, path: 5, "other/x": 7}
    name = path.removeprefix("alerts/")

    assert fitting(sizes, "alerts") == (len("fine") + 3 + len(name) + 5, path)


def test_two_paths_of_one_key_are_told_and_what_fits_is_measured_as_it_is_rendered():
    assert fitting({"alerts/a/b": 1, "alerts/a__b": 1}, "alerts") == (10, "alerts/a__b")
    assert fitting({"alerts/a/b": 1}, "alerts") == (5, "")
    whole = {"alerts/a": MAX_BYTES - 1}
    assert fitting(whole, "alerts") == (MAX_BYTES, "")
    rendered({"alerts/a": bytes(MAX_BYTES - 1)}, sections=["alerts"])
    assert refused(rendered, {"alerts/a": bytes(MAX_BYTES)}, sections=["alerts"]).code == "control-plane-size"


BYTES = st.binary(max_size=20) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(str.encode)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[-._a-zA-Z0-9]{1,9}(/[a-z]{1,3}){0,2}", fullmatch=True), BYTES, max_size=6))
def test_what_a_cluster_holds_is_what_the_bundle_lists(inside):
    files = {f"alerts/{path}": content for path, content in inside.items()}
    listing = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    try:
        (config_map,) = rendered(files, sections=["alerts"])
    except FormatError as exc:
        config_map = {}
        code = exc.code
    else:
        code = ""
    if code == "":
        assert contents(json.loads(json.dumps(config_map))) == expected_keys(listing, "alerts")
        assert sorted(expected_keys(listing, "alerts").values()) == sorted(listing.values())
    else:
        assert code in ("control-plane-key", "control-plane-section")


def test_one_byte_more_is_another_content():
    listing = {path: hashlib.sha256(content).hexdigest() for path, content in FILES.items()}
    candidates, alerts = rendered()
    assert contents(candidates) == expected_keys(listing, "candidates")
    assert len(contents(alerts)) == 3
    candidates["data"]["registry.json"] += "\n"
    assert contents(candidates) != expected_keys(listing, "candidates")


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"alerts/a/b.json": b"", "alerts/a__b.json": b""}, "control-plane-key"),
        ({"alerts/ä.json": b""}, "control-plane-key"),
        ({"alerts/a b": b""}, "control-plane-key"),
        ({"alerts/..a": b""}, "control-plane-key"),
        ({"alerts/a/../b": b""}, "control-plane-key"),
        ({"alerts/a//b": b""}, "control-plane-key"),
        ({"alerts/": b""}, "control-plane-key"),
        ({"alerts/" + "a" * 254: b""}, "control-plane-key"),
        ({}, "control-plane-section"),
        ({"manifest.json": b"{}"}, "control-plane-section"),
        ({"alerts/a": b"", "other/a": b""}, "control-plane-section"),
        ({"alerts/a": b"", "stray.json": b""}, "control-plane-section"),
        ({"alerts/a": b"", "alerts-old/a": b""}, "control-plane-section"),
        ({"alerts": b""}, "control-plane-section"),
    ],
    ids=str,
)
def test_what_would_be_lost_or_renamed_is_refused(files, code):
    assert refused(rendered, files, sections=["alerts"]).code == code


def test_a_section_as_large_as_a_config_map_can_be_is_the_largest():
    full = {"alerts/a": b"x" * (MAX_BYTES - 2), "alerts/b": b""}
    assert len(rendered(full, sections=["alerts"])) == 1
    problem = refused(rendered, {**full, "alerts/b": b"x"}, sections=["alerts"])
    assert problem.code == "control-plane-size"
    assert str(problem) == "section alerts has 1048577 bytes, a ConfigMap holds 1048576"


def test_a_name_says_the_section_and_is_one_that_a_cluster_takes():
    with pytest.raises(ValueError, match="section"):
        rendered(name="atlas")
    assert refused(rendered, {"Alerts/a": b""}, sections=["Alerts"]).code == "control-plane-name"


def test_two_paths_of_one_key_are_no_expectation():
    assert refused(expected_keys, {"alerts/a/b": HEX, "alerts/a__b": HEX}, "alerts").code == "control-plane-key"


@pytest.mark.parametrize(
    "config_map",
    [{"data": ["a"]}, {"data": {"a": 1}}, {"binaryData": {"a": "?"}}, {"data": {"a": ""}, "binaryData": {"a": ""}}],
    ids=str,
)
def test_what_is_no_config_map_is_refused(config_map):
    assert refused(contents, config_map).code == "config-map-shape"
    assert contents({"data": None}) == {}
