"""The slow learner: replay, what it finds, how far confidences can be believed, and whether the world has moved."""
