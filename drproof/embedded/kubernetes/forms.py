"""The forms of names, labels and keys, and defects worded as Kubernetes words them."""

import json
import re

from drproof.embedded.kubernetes.errors import Cause

_LABEL_MAX = 63
_SUBDOMAIN_MAX = 253
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")


def required(field: str, why: str = "") -> Cause:
    """A field that must have a value and has none."""
    return Cause("FieldValueRequired", field, f"Required value{f': {why}' if why else ''}")


def invalid(field: str, value: object, why: str) -> Cause:
    """A value that breaks a rule."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {_shown(value)}: {why}")


def unsupported(field: str, value: object, supported: tuple[str, ...]) -> Cause:
    """A value that is none of a few."""
    listed = ", ".join(f'"{each}"' for each in supported)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {_shown(value)}: supported values: {listed}")


def duplicate(field: str, value: object) -> Cause:
    """A value that must be unique and is not."""
    return Cause("FieldValueDuplicate", field, f"Duplicate value: {_shown(value)}")


def absent(field: str, value: object) -> Cause:
    """A reference to something that is not in the same object."""
    return Cause("FieldValueNotFound", field, f"Not found: {_shown(value)}")


def forbidden(field: str, why: str) -> Cause:
    """A change or value that nobody may make."""
    return Cause("FieldValueForbidden", field, f"Forbidden: {why}")


def too_long(field: str, limit: int) -> Cause:
    """A value that is larger than it may be."""
    return Cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def _shown(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def dns_label(text: str) -> str:
    """Return what keeps a text from being a DNS-1123 label, "" when it is one."""
    return _unlike(
        text,
        _DNS_LABEL,
        _LABEL_MAX,
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
        "with an alphanumeric character (e.g. 'my-name',  or '123-abc'",
    )


def dns_1035_label(text: str) -> str:
    """Return what keeps a text from being a DNS-1035 label, "" when it is one."""
    return _unlike(
        text,
        _DNS_1035,
        _LABEL_MAX,
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'",
    )


def subdomain(text: str) -> str:
    """Return what keeps a text from being a DNS-1123 subdomain, "" when it is one."""
    return _unlike(
        text,
        _SUBDOMAIN,
        _SUBDOMAIN_MAX,
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'example.com'",
    )


def _unlike(text: str, form: re.Pattern[str], longest: int, rule: str) -> str:
    """Return the sentence of apimachinery's validation for a text that is not of a form, "" for one that is."""
    if len(text) > longest:
        return f"must be no more than {longest} characters"
    return "" if form.fullmatch(text) else f"{rule}, regex used for validation is '{form.pattern}')"


def path_segment(text: str) -> str:
    """Return what keeps a text from being one segment of a path, "" when it can be."""
    if text in {".", ".."}:
        return f"may not be '{text}'"
    found = next((each for each in "/%" if each in text), "")
    return f"may not contain '{found}'" if found else ""


def qualified_name(text: str) -> str:
    """Return what keeps a text from being the key of a label, "" when it is one."""
    prefix, slash, name = text.rpartition("/")
    if slash and (why := subdomain(prefix) or ("/" in prefix and "a qualified name has one '/' at most")):
        return f"prefix part {why}"
    if not name:
        return "name part must be non-empty"
    if len(name) > _LABEL_MAX:
        return f"name part must be no more than {_LABEL_MAX} characters"
    if _NAME_PART.fullmatch(name):
        return ""
    return (
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
        "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
        f"'{_NAME_PART.pattern}')"
    )


def label_value(text: str) -> str:
    """Return what keeps a text from being the value of a label, "" when it is one."""
    if len(text) > _LABEL_MAX:
        return f"must be no more than {_LABEL_MAX} bytes"
    if _LABEL_VALUE.fullmatch(text):
        return ""
    return (
        "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
        f"validation is '{_LABEL_VALUE.pattern}')"
    )


def config_key(text: str) -> str:
    """Return what keeps a text from being a key of a ConfigMap or Secret, "" when it is one."""
    if len(text) > _SUBDOMAIN_MAX:
        return f"must be no more than {_SUBDOMAIN_MAX} characters"
    if text in {".", ".."} or text.startswith(".."):
        return f"must not be '{text}'" if text in {".", ".."} else "must not start with '..'"
    if _CONFIG_KEY.fullmatch(text):
        return ""
    return (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME', "
        f" or 'key-name', regex used for validation is '{_CONFIG_KEY.pattern}')"
    )
