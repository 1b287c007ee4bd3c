"""The world in a box: an AWS emulator with a generated original site, as a process of its own.

`python -m drproof.embedded --directory DIR` starts it. It stands beside the house: it imports nothing of drproof,
and nothing imports it.
"""
