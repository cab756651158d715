"""The analysis pass: offers -> cost bands -> findings -> flags and market views. `run` joins the other steps."""
