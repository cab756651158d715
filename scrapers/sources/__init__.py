"""One module per source, discovered by the tree; see scrapers/README.md for how to add one."""
