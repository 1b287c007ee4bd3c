"""Tests; each names a claim and would fail without the behaviour."""
