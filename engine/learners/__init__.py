"""The ways to generalise that consolidation can learn; each module says for which fields it is."""
