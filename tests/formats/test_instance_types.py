"""Which images a machine runs, from the name of its type."""

import pytest

from drproof.formats.instance_types import architecture

ARM = [
    "a1.medium",
    "t4g.medium",
    "m6g.large",
    "m7gd.metal",
    "c6gn.xlarge",
    "c7gn.2xlarge",
    "r8g.48xlarge",
    "x2gd.large",
]
ARM += ["im4gn.large", "is4gen.large", "i4g.large", "g5g.xlarge", "hpc7g.4xlarge", "i8ge.large", "p6e-gb200.36xlarge"]
INTEL = [
    "t3.medium",
    "t3a.small",
    "m5.large",
    "m7i-flex.large",
    "c6in.metal",
    "g4dn.xlarge",
    "g5.xlarge",
    "p5.48xlarge",
]
INTEL += ["x1e.large", "inf2.xlarge", "trn1.2xlarge", "hpc7a.12xlarge", "i3en.metal-24xl"]


@pytest.mark.parametrize("name", ARM)
def test_processors_of_aws_are_arm(name):
    assert architecture(name) == "arm64"


@pytest.mark.parametrize("name", INTEL)
def test_all_others_are_not(name):
    assert architecture(name) == "amd64"


@pytest.mark.parametrize(
    "name", ["", "t4g", "t4g.", "medium", "mac2.metal", "T4G.medium", "t4g.medium\n", "u-6tb1.metal"]
)
def test_of_another_name_nobody_can_tell(name):
    assert architecture(name) == ""
