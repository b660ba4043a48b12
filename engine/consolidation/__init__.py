"""Consolidation: the slow learner replays episodes, keeps what they teach, and judges how far it can be believed.

Every head is judged by its log-loss on episodes set apart, L = -mean log P_G(x_kg | the rest of x_k), and kept
where it is not clearly worse than the closed form. `consolidate` learns and puts to use, `learned` is what is
kept; `calibration` measures confidences against what was right, `noise` learns how damaged cues are, `drift`
notices when new episodes surprise more than held-out ones did.
"""
