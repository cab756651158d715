"""The array types of the engine: floats of any shape that broadcasts, and row numbers into them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Array = Floats | NDArray[Any] | np.floating[Any] | float | int
