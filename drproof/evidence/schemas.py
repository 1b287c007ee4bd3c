"""The check of a receipt against the JSON Schema of its type.

The schema is generated from the type; the published copies in `drproof.schemas` are compared with it in CI.
"""

from functools import cache
from typing import Any

import jsonschema_rs

from drproof.model.codec import encode, schema_of
from drproof.model.receipt import Receipt, receipt_type

BASE = "https://drproof.dev/schemas"


def receipt_schema(phase: str, observes: type) -> dict[str, Any]:
    """Return the schema of the receipts of a phase that observes this type."""
    return schema_of(receipt_type(observes), uri=f"{BASE}/receipt.{phase}.v1.json", title=f"Receipt of {phase}")


@cache
def _validator(phase: str, observes: Any) -> jsonschema_rs.Draft202012Validator:  # noqa: ANN401
    return jsonschema_rs.Draft202012Validator(receipt_schema(phase, observes), validate_formats=True)


def problem_of_receipt(receipt: Receipt[Any]) -> str | None:
    """Return the first reason why a receipt is not valid against its schema, or None."""
    observes: Any = type(receipt.observed)
    for error in _validator(receipt.phase, observes).iter_errors(encode(receipt)):
        place = "/".join(str(part) for part in error.instance_path)
        return f"{place or 'the receipt'}: {error.message}"
    return None
