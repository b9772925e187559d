"""FastAPI application: its routes and their answers."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi_offline import FastAPIOffline

from .. import __version__
from ..bundles.bundle import Bundle, own_models, shipped
from ..inference import Predictor
from ..video.analysis import DEFAULT_RATE
from .admission import Admission
from .analysis import Options, analyse_file, joined
from .answers import HealthBody, ModelBody, PredictionBody
from .body import read_files
from .limits import Limits
from .problem import Problem, ProblemBody, answer_problems

_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ProblemBody, "description": "no picture or video, or none that can be read"},
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
        "description": "The bytes of a picture or video, or a form with one file or several.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "array", "items": _BINARY}},
                }
            },
            "image/*": {"schema": _BINARY},
            "video/*": {"schema": _BINARY},
        },
    }
}


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
        rate: Annotated[
            float, Query(gt=0, le=30, description="frames of a video that are analysed, per second")
        ] = DEFAULT_RATE,
    ) -> PredictionBody:
        """Find and classify the faces of pictures (JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF, TIFF) and videos.

        Several files are sent as one form. One that cannot be read has its reason in `files`; if none can be
        read, the answer is an error.
        """
        address = request.client.host if request.client else ""
        allowed(address)
        options = Options(detect, unsure_below, rate)
        loop = asyncio.get_running_loop()
        with admission.request(address) as memory:
            files = await read_files(request, limits, memory)
            allowed(address, len(files) - 1)  # each file counts
            predictor = await loop.run_in_executor(workers, predictors.get, model)
            begun = time.perf_counter()
            answers = [  # one after the other, so that other requests take turns
                await loop.run_in_executor(workers, analyse_file, predictor, *file, options, limits)
                for file in files
            ]
            return joined(predictor, answers, time.perf_counter() - begun)

    return app


def _rate_limiter(limits: Limits) -> Any:
    from limits import RateLimitItemPerMinute
    from limits.storage import MemoryStorage
    from limits.strategies import MovingWindowRateLimiter

    limiter, item = MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(limits.per_minute)

    def allowed(client: str, cost: int = 1) -> None:
        if cost and not limiter.hit(item, client, cost=cost):
            wait = max(1, round(limiter.get_window_stats(item, client).reset_time - time.time()))
            sentence = f"More than {limits.per_minute} requests within a minute: try again in {wait} s."
            raise Problem(429, sentence, {"Retry-After": str(wait)})

    return allowed
