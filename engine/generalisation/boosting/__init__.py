"""Boosted trees: the distribution function of a number or a time, as a sum of small trees.

    F(t_j | q) = F_0(t_j) + sum_i leaf_ij(q)        t_1 < ... < t_J: quantiles of the target

Every tree lowers the continuous ranked probability score, sum_j w_j (F(t_j) - 1[y <= t_j])^2, a proper score
whose point answer is the median (Gneiting & Raftery 2007); it splits on a random projection of the J gradients
(Iosipoi & Vakhrushev 2022). `trees` grows and reads them, `encoding` says what they read of an episode, `learner`
decides by episodes held out how many there are, and makes F agree with how often they lay below it.
"""
