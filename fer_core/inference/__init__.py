"""Inference: from a photo or frame to faces with expression probabilities, without TensorFlow."""

from ..bundles.classifier import Classifier
from .detector import Face, FaceDetector
from .features import FeatureExtractor
from .predict import FacePrediction, PicturePrediction, Predictor

__all__ = [
    "Classifier",
    "Face",
    "FaceDetector",
    "FacePrediction",
    "FeatureExtractor",
    "PicturePrediction",
    "Predictor",
]
