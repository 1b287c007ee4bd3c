"""A validation that makes something says so in the words of kubectl."""

import pytest

from drproof.analysis.mutation_verbs import made


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("namespace/atlas created\n", ("namespace/atlas created",)),
        ("NAME STATUS AGE\nrunner Ready 3m\n\nnamespace/atlas configured", ("namespace/atlas configured",)),
        ("deployment.apps/web scaled", ("deployment.apps/web scaled",)),
        ("configmap/a patched\nsecret/b annotated", ("configmap/a patched", "secret/b annotated")),
        ('pod "probe" deleted from atlas namespace', ('pod "probe" deleted',)),
        ("service/web serverside-applied", ("service/web serverside-applied",)),
        ("namespace/atlas unchanged", ()),
        ("namespace/atlas created (dry run)", ()),
        ("namespace/atlas created (server dry run)", ()),
        ("the backup was created yesterday", ()),
        ("namespace/atlas was created", ()),
        ("", ()),
    ],
)
def test_each_line_that_tells_of_a_change_is_found_and_no_other(output, found):
    assert made(output) == found
