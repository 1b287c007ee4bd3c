"""The region is read off an ARN, or left to be written."""

import pytest

from drproof.formats.arns import UNNAMED, region_of


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        ("arn:aws:sns:us-west-2:444455556666:topic", "us-west-2"),
        ("arn:aws-cn:states:cn-north-1:444455556666:execution:m:e", "cn-north-1"),
        ("arn:aws:iam::444455556666:role/r", UNNAMED),
        ("no arn", UNNAMED),
        ("", UNNAMED),
    ],
)
def test_the_region_is_the_fourth_part(arn, region):
    assert region_of(arn) == region
