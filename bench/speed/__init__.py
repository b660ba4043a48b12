"""The speed table: every figure beside its twin, processor time beside wall time, from 10^3 to 10^6 episodes."""
