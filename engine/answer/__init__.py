"""One posterior of both kinds of memory, and everything that an answer tells of it."""
