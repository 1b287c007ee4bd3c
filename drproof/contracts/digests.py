"""Digests for sabotages: as valid as the original, and another one."""


def other(sha256: str) -> str:
    """Return the digest that differs from this one in its last bit."""
    return f"{int(sha256, 16) ^ 1:064x}"
