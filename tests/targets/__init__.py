"""Tests of the adapters: real sockets, the real embedded world."""
