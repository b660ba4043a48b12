"""A learned softmax over similar episodes, for fields of few values."""
