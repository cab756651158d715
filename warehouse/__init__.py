"""The DuckDB ledger: append-only core, published history, migrations and views."""
