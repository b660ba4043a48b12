"""Recollection: which stored event the cue q means, and whether it means one at all (CA3's competition, CA1's match).

Every episode x_k gets the sum of its fields' log-likelihood ratios, the weight of evidence of record linkage
(Fellegi & Sunter 1969) and of recognition memory (REM, Shiffrin & Steyvers 1997); a softmax makes them shares:

    s_k = sum_{f in q} log P(q_f | x_kf) / m_f(q_f)        r_k = e^{s_k} / sum_j e^{s_j}

Nothing here is learned from labels, so an episode can be recalled as soon as it is written. `similarity` says
how like two values are, `evidence` weighs and sums, `exchange` reads a cue with two values the wrong way round,
`coherence` tells whether the cue's own values go together.
"""
