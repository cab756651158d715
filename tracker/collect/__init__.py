"""One pass per source: fetch -> keep raw -> parse -> check -> append or hold. `run` joins the steps."""
