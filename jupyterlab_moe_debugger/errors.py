"""Failures that a person can mend."""


class UserError(Exception):
    """One line for stderr: what is wrong (where): what to do. The command then ends with code 2."""
