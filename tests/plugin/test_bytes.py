"""A line of progress says how many bytes were moved, and of how many."""

from drproof.plugin.progress import Bytes


def test_nothing_is_said_of_a_phase_that_moves_nothing():
    moved = Bytes()
    assert str(moved) == ""
    moved.add(0, 5_000_000)
    assert str(moved) == ""


def test_bytes_add_up_and_the_whole_is_said_where_it_is_known():
    moved = Bytes()
    moved.add(1_500_000, 0)
    assert str(moved) == ", 1.5 MB"
    moved.add(0, 5_000_000)
    moved.add(500_000, 0)
    assert str(moved) == ", 2.0 MB of 5.0 MB"
    moved.add(4_000_000, 0)
    assert str(moved) == ", 6.0 MB of 6.0 MB"
