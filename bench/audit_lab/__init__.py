"""A small real transformer with many numerics: what the audit's statistics are tried on (see bench/audit.py).

Needs torch, which the tracker itself does not: `bench.audit` runs this folder under the interpreter named by
AUDIT_LAB_PYTHON, or under its own if torch can be imported there.
"""
