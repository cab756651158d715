"""The analysis side: records, collection, cost, probes, audits, flags and the command line."""
