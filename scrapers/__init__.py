"""Everything that reads the outside world: one file per source, and the HTTP side of collecting."""
