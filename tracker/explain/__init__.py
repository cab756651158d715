"""Conclusions read out as an analyst's note, every number down to the bytes it was read from."""
