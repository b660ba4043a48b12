"""Attention: P_G of a field whose values recur, by learned likeness to stored episodes and a learned schema.

    s_k = sum_j a_j l_j(q, x_k)        beta(y) = sum_f v_f PMI_f(q_f, y) + v_0 log P_reg(y | q) / m(y) + equality(y)

`features` turns fields into codes; `likeness` gives the terms l_j, `contingency` the tables behind PMI,
`regression` P_reg, `equality` what the cue's other values say; `episodes` puts them together, `objective` is
the log-loss and its gradient, `training` minimises it over replayed episodes.
"""
