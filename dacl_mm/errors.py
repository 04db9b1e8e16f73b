"""What a user can do wrong: the only errors that the command line catches."""

import pickle


class UserError(ValueError):
    """A mistake in the input, the options or the surroundings; the message says what to do."""


class FileError(UserError, OSError):
    """A file or folder that cannot be written."""


class MissingFileError(UserError, FileNotFoundError):
    """A file that is not where it should be."""


class DatasetError(UserError):
    """A data set that is missing or not as its owners distribute it."""


class UnreadableImageError(UserError):
    """An image file that is missing, truncated, empty or no image."""


class UnsafeCheckpointError(UserError, pickle.UnpicklingError):
    """A checkpoint that cannot be read without executing code from it; a kind of torch's error."""


class CorruptCheckpointError(UserError):
    """A file that is no complete checkpoint."""


class ReferenceFormatError(UserError):
    """A checkpoint that is not in the layout it should be in."""


class ComparisonError(UserError):
    """A comparison folder that cannot be worked on."""
