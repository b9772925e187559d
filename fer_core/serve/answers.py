"""Answers of the service in the form of JSON, from which its documentation is made."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class FaceBody(BaseModel):
    """Face with a model's prediction: the columns of the CSV, and the box and the probabilities as such."""

    model_config = ConfigDict(extra="allow")  # a number for each class

    file: str
    frame: int = Field(description="number of the picture in its file, from 1; of a video, the frame from 0")
    time: float | None = Field(description="seconds since the start of a video; null for pictures")
    face: int = Field(description="number of the face in the picture or video, from 1")
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


class FileBody(BaseModel):
    """One of the files that were sent."""

    file: str
    error: str | None = Field(description="why it could not be read; null if it was")
    frame: int = Field(description="number of the picture that was used, from 1; 0 for a video")
    frames: int = Field(description="pictures in the file; of a video, the frames that were analysed")
    notes: list[str] = Field(description="what a reader should know about the picture")
    duration: float | None = Field(description="seconds of a video; null for pictures")


class PredictionBody(BaseModel):
    """The faces of all files: of a picture from the left to the right, of a video in the order of time."""

    model: str
    faces: list[FaceBody]
    files: list[FileBody] = Field(description="the files in the order in which they were sent")
    frame: int = Field(description="that of the first file")
    frames: int = Field(description="those of the first file")
    notes: list[str] = Field(description="those of the first file")
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
