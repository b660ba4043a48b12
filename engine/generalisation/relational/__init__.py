"""Relations: P_G of an entity, from learned evidence between what it took part in and what is asked.

    P_G(y) ~ [ sum_{k of a} w(R, R_k, dt_k) 1[y = y_k] + kappa_R null(y) ] e^{beta(y)}

for an anchor a, a relation R and a time. `structure` finds who, what and when among the fields, `incidences`
sees every episode from each of its entities, `interaction` counts who meets whom; `rates` learns w and kappa,
`features` and `mixture` beta and how all of it weighs.
"""
