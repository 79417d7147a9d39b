"""What is wrong with the input of a verb."""


class InputError(ValueError):
    """One line that names the option or the file, what is wrong and what would be right."""
