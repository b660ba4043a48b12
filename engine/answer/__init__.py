"""Answer: one posterior of both kinds of memory, and everything an answer tells, read from it.

    P(y | q) = rho P_R(y | q) + (1 - rho) P_G(y | q)        rho: the chance that the cue means a stored event

`posterior` mixes, `decision` picks the value told, `completion` walks through one cue; `attractor` settles the
fields of one event together; `attribution`, `hypotheses`, `metacognition` and `abstention` say where the answer
came from, what else may be true, how sure that is and what would help, and `why` gathers them. `recall` ranks
episodes alone.
"""
