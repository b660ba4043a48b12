"""The array types of the engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int32]


Floats = npt.NDArray[np.float64]
