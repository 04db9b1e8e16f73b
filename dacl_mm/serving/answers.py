"""What is answered, as JSON."""

from pydantic import BaseModel, Field

from dacl_mm import inference


class Fault(BaseModel):
    """Why there is no answer."""

    error: str = Field(description='What is wrong, and what would be right.')


class Face(BaseModel):
    """A face and its expression; all lengths in pixels of the upright image."""

    face: int = Field(description='Index in the image, from 0, from the left to the right.')
    track: int | None = Field(description='Number over the frames of a stream; says nothing about who it is.')
    x: float = Field(description='Left edge of the box.')
    y: float = Field(description='Top edge of the box.')
    width: float
    height: float
    landmarks: list[tuple[float, float]] | None = Field(
        description='Eyes, nose and corners of the mouth, (x, y), from the left as seen in the image.'
    )
    expression: str = Field(description="The most probable class, or 'unsure' where confidence is too low.")
    confidence: float = Field(description='Its calibrated probability.')
    probabilities: dict[str, float] = Field(description='Of all classes, from this image alone.')
    smoothed: dict[str, float] | None = Field(description='The same over the frames of a stream.')


class Answer(BaseModel):
    """The faces of an image."""

    width: int = Field(description='Of the upright image.')
    height: int
    faces: list[Face]
    milliseconds: float = Field(description='Decoding, detecting and classifying; not waiting.')


class FrameAnswer(Answer):
    """The faces of a frame of a stream."""

    frame: int = Field(description='Index among the frames that arrived, from 0.')
    dropped: int = Field(description='Frames so far that newer ones took the place of.')


class FrameFault(Fault):
    """Why a frame has no answer; the stream goes on."""

    frame: int
    dropped: int


class Health(BaseModel):
    """Whether photographs are answered."""

    status: str = Field(description="'ok', or 'stuck' with status 503.")
    model: str
    classes: list[str]
    version: str


def answer(prediction: inference.Prediction, seconds: float) -> Answer:
    """Return a prediction as it is sent."""
    width, height = prediction.size
    faces = [Face.model_validate(face, from_attributes=True) for face in prediction.faces]
    return Answer(width=width, height=height, faces=faces, milliseconds=round(1000 * seconds, 1))
