"""The HTTP edge: one function per operationId, found by its name in the module of its tag.

`app.create_app` puts the edge together. Nothing is imported here: gunicorn's master
imports `connections`, and must not load what does not survive a fork.
"""
