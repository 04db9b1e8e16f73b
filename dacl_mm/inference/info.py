"""What travels with the weights of a network: how its input is made, and what its output means."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

from dacl_mm.errors import UserError

#: Five points (x, y): left and right eye, nose, left and right corner of the mouth, as seen in the image.
Points = tuple[tuple[float, float], ...]


class Framing(NamedTuple):
    """Where the landmarks lie in the crops that a network was trained on."""

    landmarks: Points  # medians, shares of a crop's width and height
    spread: Points  # robust standard deviations of the same
    size: tuple[int, int]  # width and height of a crop in pixels


@dataclass(frozen=True)
class ModelInfo:
    """A network's description, as checkpoints keep it in ``meta['inference']``.

    Attributes:
        name: Of the model, for people.
        classes: Names in the order of its outputs.
        size: Width and height of its input in pixels.
        mean: Of the red, green and blue channel, in grey levels (0 to 255), which normalisation subtracts.
        std: By which it then divides.
        framing: Of the faces it was trained on; None where nobody has measured it.
        temperature: Divides the logits, so that confidences are true on held-out data.
        unsure: Least confidence of a named expression; 0 names one always.
        licence: Of the weights.
        training: One sentence about data and method.
    """

    name: str
    classes: tuple[str, ...]
    size: tuple[int, int]
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    framing: Framing | None = None
    temperature: float = 1.0
    unsure: float = 0.0
    licence: str = ''
    training: str = ''

    def to_dict(self) -> dict[str, Any]:
        """Return plain types alone: lists, numbers, text."""
        plain = asdict(self)
        if self.framing:
            plain['framing'] = {name: _lists(value) for name, value in self.framing._asdict().items()}
        return {name: _lists(value) for name, value in plain.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], source: object) -> 'ModelInfo':
        """Read what :meth:`to_dict` wrote.

        Args:
            stored: Its dict.
            source: Where it is from, for messages.

        Raises:
            UserError: If a key is missing, unknown, or holds something else.
        """
        _check_keys(stored, {field.name for field in fields(cls)}, source, 'the description of the network')
        values = {name: _tuples(value) for name, value in stored.items()}
        if values['framing'] is not None:
            part = stored['framing']
            _check_keys(part, set(Framing._fields), source, 'its framing')
            values['framing'] = Framing(**{name: _tuples(value) for name, value in part.items()})
        return cls(**values)


def _check_keys(stored: object, known: set[str], source: object, what: str) -> None:
    if not isinstance(stored, Mapping):
        raise UserError(f'{source}: {what} is a {type(stored).__name__}, not a dict')
    missing, unknown = sorted(known - stored.keys()), sorted(stored.keys() - known)
    faults = [
        f'{word} {", ".join(map(str, keys))}' for word, keys in (('lacks', missing), ('has', unknown)) if keys
    ]
    if faults:
        raise UserError(
            f'{source}: {what} {" and ".join(faults)}; it should hold {", ".join(sorted(known))}. It was '
            'written by another version of dacl_mm: take that version, or write the file again with this one'
        )


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value
