"""The evaluation: every quality figure of the product, beside its baseline and its ceiling.

`laboratory` runs the service in process over a real store; one module per group of data asks
(`records`, `removal`, `events`, `people`, `cleaning`, `vectors`, `lures`, `relations`, `tables`,
`provenance`, `refusing`, `oneshot`, `capacity`, `ablations`, `inverses`, `gate`, `cuenoise`, `drifting`,
`mixed`, `coldstart`) and `pooled` reads what all of them found. `requirements` says what each figure must
reach, `shortfalls` why one does not, `ways` what else was tried on it (the switches of `seams`, the retrievals of
`retrieval`, the hypotheses of `coverage`), `worth` what each part gives; `document` writes docs/evaluation.md.
"""
