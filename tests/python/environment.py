"""The environment of programs that the tests start."""

import os


def clean_environment(**extra):
    """This process's environment without what npm, pip and the clone's own tools have put there."""
    dropped = ("npm_", "JUPYTER", "VIRTUAL_ENV", "PYTHONPATH", "NODE_OPTIONS", "IPYTHONDIR")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    return {**kept, **extra}
