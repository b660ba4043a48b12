"""Which stored event a cue means, and whether it means one at all: evidence by log-likelihood ratios."""
