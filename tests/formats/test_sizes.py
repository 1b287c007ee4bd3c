"""Sizes are told in the unit that people would choose, and never as more than they are."""

import pytest

from drproof.formats.sizes import show


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_999, "99.9 kB"),
        (100_000, "100 kB"),
        (999_999, "999 kB"),
        (1_000_000, "1.0 MB"),
        (12_345_678, "12.3 MB"),
        (5 << 40, "5.4 TB"),
        (10**18, "1000 PB"),
    ],
)
def test_a_size_is_rounded_down(size, said):
    assert show(size) == said
