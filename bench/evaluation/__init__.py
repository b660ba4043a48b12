"""The evaluation: every quality figure of the product, beside its baseline and its ceiling.

`laboratory` runs the service in process over a real store; one module per group of data asks
(`records`, `removal`, `events`, `people`, `cleaning`, `vectors`, `lures`, `relations`, `tables`,
`provenance`, `refusing`, `oneshot`, `capacity`, `ablations`, `inverses`) and `pooled` reads what all of
them found. `requirements` says what each figure must reach, `shortfalls` why one does not, `worth` what
the ablations showed; `document` writes docs/evaluation.md.
"""
