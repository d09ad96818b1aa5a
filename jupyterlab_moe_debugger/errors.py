"""Errors that the user can fix."""


class UserError(Exception):
    """One line for stderr: what is wrong (where): what to do. The command ends with exit code 2."""
