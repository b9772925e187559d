"""Faces in videos: streamed frames, tracked faces and smoothed probabilities. Nothing is written to disk."""

from .analysis import FaceFollower, FollowedFace, TimelineBuilder, analyse_video
from .annotate import VideoWriter, annotate_video
from .reader import Frame, VideoReader
from .smoothing import Smoother
from .timeline import SeenFace, Timeline, Track
from .tracker import Tracker

__all__ = [
    "FaceFollower",
    "FollowedFace",
    "Frame",
    "SeenFace",
    "Smoother",
    "Timeline",
    "TimelineBuilder",
    "Track",
    "Tracker",
    "VideoReader",
    "VideoWriter",
    "analyse_video",
    "annotate_video",
]
