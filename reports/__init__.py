"""The weekly report and the static site: reads the published history, computes nothing new."""
