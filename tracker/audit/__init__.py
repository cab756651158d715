"""Statistics that tell a quantized or swapped model from its outputs. Pure: no network, no clock, no database.

Nothing here is judged against exact equality: identical weights on another kernel already diverge. Everything is
judged against honest controls, and everything is stated as a distance (nats of KL per token), never as a label.
"""
