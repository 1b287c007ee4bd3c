"""Bytes of other systems to values, and every way to spoil the bytes."""
