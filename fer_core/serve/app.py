"""FastAPI application: its routes and their answers."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel, ConfigDict, Field

from .. import __version__, imaging
from ..bundles.bundle import Bundle, own_models, shipped
from ..diagnostics import log
from ..errors import ImageError
from ..inference import Predictor
from ..inference.face_table import face_row
from .admission import Admission
from .body import read_picture
from .limits import Limits
from .problem import Problem, ProblemBody, answer_problems

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemBody, "description": "no picture, or one that cannot be read"},
    404: {"model": ProblemBody, "description": "no such model"},
    413: {"model": ProblemBody, "description": "too many bytes or pixels"},
    408: {"model": ProblemBody, "description": "the body took too long"},
    422: {"model": ProblemBody, "description": "an invalid parameter"},
    429: {
        "model": ProblemBody,
        "description": "too many requests; Retry-After contains the seconds to wait",
    },
    503: {"model": ProblemBody, "description": "too many requests of all clients; try again"},
}
_BINARY = {"type": "string", "format": "binary"}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a picture, or a form with one file.",
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _BINARY}}
            },
            "image/*": {"schema": _BINARY},
        },
    }
}


class FaceBody(BaseModel):
    """Face with a model's prediction: the columns of the CSV, and the box and the probabilities as such."""

    model_config = ConfigDict(extra="allow")  # a number for each class

    file: str
    frame: int = Field(description="number of the picture in its file, from 1")
    time: float | None = Field(description="seconds; null for pictures")
    face: int = Field(description="number of the face in the picture, from 1")
    x: float
    y: float
    width: float
    height: float
    box: tuple[int, int, int, int] = Field(description="x, y, width, height in pixels of the picture")
    rotation: int = Field(
        description="degrees clockwise by which the picture was turned to show the face upright"
    )
    score: float = Field(description="of the detector, 0 to 1")
    right_eye_x: float | None
    right_eye_y: float | None
    left_eye_x: float | None
    left_eye_y: float | None
    nose_x: float | None
    nose_y: float | None
    mouth_right_x: float | None
    mouth_right_y: float | None
    mouth_left_x: float | None
    mouth_left_y: float | None
    label: str
    confidence: float
    unsure: bool = Field(description="whether the confidence is less than unsure_below")
    probabilities: dict[str, float]
    warnings: list[str] = Field(description="what makes the answer less certain")
    model: str
    model_version: str


class PredictionBody(BaseModel):
    """The faces of one picture, from the left to the right."""

    model: str
    faces: list[FaceBody]
    frame: int = Field(description="number of the picture in its file, from 1")
    frames: int = Field(description="pictures in the file")
    notes: list[str] = Field(description="what a reader should know about the picture")
    seconds: float = Field(description="that the analysis took")


class ModelBody(BaseModel):
    """A model that can be asked for."""

    name: str
    labels: list[str]
    default: bool


class HealthBody(BaseModel):
    status: str
    version: str
    model: str


class _Predictors:
    """Predictors by model name, created on first use.

    Only names from the list are accepted: a path would open any file.
    """

    def __init__(self, default: Bundle) -> None:
        self.default = default
        self._made = {default.name: Predictor(default)}
        self._lock = threading.Lock()

    def known(self) -> dict[str, Bundle]:
        return {bundle.name: bundle for bundle in [*shipped(), *own_models(), self.default]}

    def get(self, name: str | None) -> Predictor:
        name = name or self.default.name
        with self._lock:
            if name not in self._made:
                names = self.known()
                if name not in names:
                    raise Problem(404, f"There is no model {name!r}: expected one of {', '.join(names)}.")
                self._made[name] = Predictor(names[name])
            return self._made[name]


def create_app(model: Bundle, limits: Limits | None = None) -> FastAPI:
    """Create the service with one model as its default.

    Args:
        model: Default model of requests.
        limits: Limits per client.

    Raises:
        ModelError: The model cannot be read.
    """
    limits = limits or Limits()
    predictors = _Predictors(model)
    workers = ThreadPoolExecutor(limits.at_once, thread_name_prefix="predict")
    allowed = _rate_limiter(limits)
    admission = Admission(limits)
    # The page /docs is served locally and not from a CDN, which would learn who opens it.
    app: FastAPI = FastAPIOffline(
        title="FER Explorer",
        version=__version__,
        description="Faces and their expressions. Pictures stay in this machine's memory.",
    )
    answer_problems(app)

    @app.get("/health")
    def health() -> HealthBody:
        """Return that the service runs."""
        return HealthBody(status="ok", version=__version__, model=predictors.default.name)

    @app.get("/models")
    def models() -> list[ModelBody]:
        """List the models that /predict can use."""
        return [
            ModelBody(name=name, labels=list(bundle.labels), default=name == predictors.default.name)
            for name, bundle in predictors.known().items()
        ]

    @app.post("/predict", responses=_ERRORS, openapi_extra=_BODY)
    async def predict(
        request: Request,
        detect: Annotated[
            bool, Query(description="look for faces; else the whole picture is taken as one face")
        ] = True,
        unsure_below: Annotated[
            float, Query(ge=0, le=1, description="faces of less confidence are marked unsure")
        ] = 0.0,
        model: Annotated[str | None, Query(description="a name from /models")] = None,
    ) -> PredictionBody:
        """Find and classify the faces of a picture: JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or TIFF."""
        address = request.client.host if request.client else ""
        allowed(address)
        with admission.request(address) as memory:
            name, content = await read_picture(request, limits.bytes, memory, limits.body_seconds)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                workers, _analyse, predictors, model, name, content, detect, unsure_below, limits
            )

    return app


def _rate_limiter(limits: Limits) -> Any:
    from limits import RateLimitItemPerMinute
    from limits.storage import MemoryStorage
    from limits.strategies import MovingWindowRateLimiter

    limiter, item = MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(limits.per_minute)

    def allowed(client: str) -> None:
        if not limiter.hit(item, client):
            wait = max(1, round(limiter.get_window_stats(item, client).reset_time - time.time()))
            sentence = f"More than {limits.per_minute} requests within a minute: try again in {wait} s."
            raise Problem(429, sentence, {"Retry-After": str(wait)})

    return allowed


def _analyse(
    predictors: _Predictors,
    model: str | None,
    name: str,
    content: bytes,
    detect: bool,
    unsure_below: float,
    limits: Limits,
) -> PredictionBody:
    predictor = predictors.get(model)
    begun = time.perf_counter()
    try:
        width, height = imaging.size_of(content, name)
        if width * height > limits.pixels:
            raise Problem(
                413,
                f"{name} has {width}x{height} pixels: at most {limits.megapixels:g} megapixels are read, "
                "so make it smaller.",
            )
        read = predictor.predict_picture(content, detect=detect, name=name)
    except ImageError as error:
        raise Problem(400, str(error)) from None
    log.event(
        "photo classified", faces=len(read.faces), milliseconds=round(1000 * (time.perf_counter() - begun))
    )
    return PredictionBody(
        model=predictor.classifier.bundle.name,
        faces=[
            FaceBody(
                **face_row(
                    face,
                    predictor.classifier,
                    file=name,
                    number=number,
                    frame=read.frame,
                    unsure_below=unsure_below,
                ),
                box=face.box,
                probabilities=face.probabilities,
            )
            for number, face in enumerate(read.faces, 1)
        ],
        frame=read.frame,
        frames=read.frames,
        notes=read.notes,
        seconds=round(time.perf_counter() - begun, 4),
    )
