"""Faces in videos: frames are streamed, faces kept apart over time, their probabilities smoothed. Nothing touches the disk."""

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
