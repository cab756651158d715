"""Benchmarks: each prints its figures beside the peer or the limit it is held to."""
