"""Going through what a user named."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby

from dacl_mm.errors import MissingFileError, UnreadableImageError

from .following import Follower
from .frames import Frame, read_frame
from .outputs import Outputs
from .predictor import Predictor
from .sources import Source
from .summary import VideoSummary
from .video import USUAL_RATE, VideoFacts, read_camera, read_video, video_facts

#: Frames a second of an annotated video, at most.
GREATEST_RATE = 60.0


def predict_sources(predictor: Predictor, sources: Iterable[Source], outputs: Outputs, smooth: float) -> None:
    """Predict sources in their order: images in batches, videos frame by frame.

    Args:
        predictor: What predicts.
        sources: A list, or an iterator that need not end.
        outputs: Where predictions go.
        smooth: Time constant of videos in seconds.
    """
    for still, group in groupby(sources, key=lambda source: source.kind == 'image'):
        if still:
            # A list tells how many there are; of an iterator, the next may come much later.
            images = list(group) if isinstance(sources, list) else group  # noqa: B031 - one of the two
            _images(predictor, images, outputs)
            continue
        for source in group:
            if not outputs.stopped:
                _video(predictor, source, outputs, smooth)


def _images(predictor: Predictor, sources: Iterable[Source], outputs: Outputs) -> None:
    frames = (read_frame(source.name) for source in sources if not outputs.stopped)
    with outputs.progress('images', len(sources) if isinstance(sources, list) else None) as advance:
        for prediction in predictor.frames(frames):
            outputs(prediction)
            if outputs.pictures:
                outputs.pictures.image(prediction)
            advance()
            if outputs.stopped:
                return


def _video(predictor: Predictor, source: Source, outputs: Outputs, smooth: float) -> None:
    facts, frames = _opened(source)
    summary, follow = VideoSummary(source.name), Follower(smooth, predictor.unsure)
    at_once = 1 if source.kind == 'camera' else None
    with ExitStack() as stack:
        advance = stack.enter_context(outputs.progress(source.name, facts.frames or None))
        drawn = None
        if outputs.pictures:
            drawn = stack.enter_context(outputs.pictures.video(source.name, min(facts.rate, GREATEST_RATE)))
        for prediction in map(follow, predictor.frames(frames, at_once)):
            summary(prediction)
            if drawn:
                drawn(prediction)
            outputs(prediction)
            advance()
            if outputs.stopped:
                break
    outputs.say(*summary.lines())


def _opened(source: Source) -> tuple[VideoFacts, Iterator[Frame]]:
    """Return what is known of a video or camera, and its frames; one that says so if it is damaged."""
    if source.kind == 'camera':
        return VideoFacts(0, USUAL_RATE), read_camera(source.camera)
    try:
        return video_facts(source.name), read_video(source.name)
    except (UnreadableImageError, MissingFileError) as error:  # a list may name what is gone
        return VideoFacts(0, USUAL_RATE), iter([Frame(source.name, 0, 0.0, None, str(error))])
