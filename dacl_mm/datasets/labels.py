"""The one vocabulary that every data set's labels are mapped to, by name."""

from collections.abc import Sequence

from dacl_mm.errors import UserError

EXPRESSIONS = (
    'neutral',
    'happiness',
    'sadness',
    'surprise',
    'fear',
    'disgust',
    'anger',
    'contempt',
)

# Class order of the paper's repository, and so of its checkpoints.
PAPER_CLASSES = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust')


def class_index(classes: Sequence[str], names: Sequence[str] = EXPRESSIONS) -> dict[str, int]:
    """Map class names to indices.

    Raises:
        UserError: If a class is not among ``names`` or occurs twice.
    """
    unknown = [c for c in classes if c not in names]
    if unknown:
        raise UserError(f'unknown class {unknown[0]!r}: choose from {", ".join(names)}')
    if len(set(classes)) != len(classes):
        raise UserError(f'a class occurs twice in {tuple(classes)}')
    return {name: i for i, name in enumerate(classes)}
