"""Pure views of the whole market: effective prices under limits, margins, floors, index, burn. Arrays in and out."""
