"""Adapters: the only code that knows a framework; one package each.

Inside half. An adapter is named as the flag, the tox factor and the results prefix
are, imports its framework when it is imported itself, and has

- ``PACKAGES``: the distributions whose versions decide how training behaves;
- ``describe() -> dict``: threads and other settings, for the provenance;
- ``build(task) -> Training``: the native model, loss and optimizer of a task.
  Raises ``UnsupportedError`` for what the framework cannot express;

and, where its framework is no Python package,

- ``start(environment)``: starts the framework at the environment's version;
- ``packages() -> dict``: its packages and their versions, for the provenance.
"""
