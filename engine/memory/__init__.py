"""Memory: the episodes of a space, stored verbatim (the dentate gyrus of the model, which keeps them apart).

N episodes are `Traces`: per field a `Column` of codes into its V distinct values, the embeddings as `Vectors`,
the moments. Writing appends; erasing takes an episode out of every count, as if it had never been. How common
a value is, everywhere in the engine, is

    m_f(v) = (n_fv + 1/2) / (n_f + V_f / 2 + 1/2)        n_fv the episodes with v, n_f those that have the field

`holdout` says which episodes are set apart to judge by, `patterns` tells regularities in counts.
"""
