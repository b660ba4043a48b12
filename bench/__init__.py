"""Benchmarks and evaluation: quality on real data and speed against twins, through the service."""
