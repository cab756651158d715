"""Statistics that tell a quantized or swapped model from its outputs, and the asking behind them.

Pure (no network, no clock, no database) but for `ask`, `live_border`, `run`, `watch` and `desk`, which ask.

Nothing here is judged against exact equality: identical weights on another kernel already diverge. Everything is
judged against honest controls, and everything is stated as a distance (nats of KL per token), never as a label.
"""
