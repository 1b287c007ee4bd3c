"""The names that AWS gives to what is in it: `arn:partition:service:region:account:what`."""

REGION_AT = 3
UNNAMED = "<region>"


def region_of(arn: str) -> str:
    """Return the region that an ARN names, or the place to write one where it names none."""
    parts = arn.split(":")
    return (parts[REGION_AT] if len(parts) > REGION_AT else "") or UNNAMED
