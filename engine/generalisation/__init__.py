"""Generalisation: what events like the cue's go with (CA3 biased by the neocortex).

One softmax over the episodes and a null of mass kappa, biased by the schema beta:

    P_G(y | q) ~ [ kappa m(y) + (1/N) sum_k e^{s_k} 1[x_kg = y] ] e^{beta(y)}

`closed_form` gives it before anything is learned, with the weights of `weights`; of very many episodes `candidates`
are compared one by one, all others told together. A `Learner` (`learning`) fits
better weights for the fields that suit it: `attention` for values that recur, `numeric` for tables of numbers,
`relational` for tables of who did what to whom, `boosting` for any number or time. They know nothing of one another.
"""
