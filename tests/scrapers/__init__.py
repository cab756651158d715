"""Tests of sources: the contract, golden pages, recorded history."""
