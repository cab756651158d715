"""Our own measurements: what an offer delivers, timed at the byte, under a budget."""
