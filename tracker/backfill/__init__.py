"""History from before the first run: git, dated files and recorded tables through the same parsers and checks."""
