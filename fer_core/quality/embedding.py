"""Map of a data set: every face as a point, close to those with similar features.

The features of a model's layer before the classifier are reduced to 50 dimensions by PCA and to two by t-SNE
(van der Maaten and Hinton 2008; openTSNE's interpolation, Linderman et al. 2019). The first two principal
components are an immediate map.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from ..bundles.bundle import Bundle
from ..data.dataset import Dataset
from ..inference.features import FeatureExtractor
from . import result_cache

Progress = Callable[[float, str], None]
_CHUNK = 512
_DIMENSIONS = 50
_ITERATIONS = (250, 500)  # with early exaggeration, and after it
_FEWEST = 10  # images; fewer have no map of neighbours


def load_features(dataset: Dataset, bundle: Bundle) -> np.ndarray | None:
    """Return cached features, (N, F) float16, or None."""
    arrays = result_cache.load("features", dataset, model_key(bundle))
    return None if arrays is None else arrays["features"]


def features(
    dataset: Dataset, bundle: Bundle, on_progress: Progress = lambda share, what: None
) -> np.ndarray:
    """Compute the features of all images once for each model, or load them from the cache, (N, F) float16.

    Raises:
        ModelError: The model has no readable inference file, or no features.
    """
    cached = load_features(dataset, bundle)
    if cached is None:
        extractor = FeatureExtractor(bundle)
        cached = np.empty((len(dataset), extractor.size), np.float16)
        for start in range(0, len(dataset), _CHUNK):
            cached[start : start + _CHUNK] = extractor.features(
                np.asarray(dataset.images[start : start + _CHUNK])
            )
            on_progress(start / len(dataset), "Looking at the faces")
        result_cache.store("features", dataset, {"features": cached}, model_key(bundle))
    return cached


def load_map(dataset: Dataset, bundle: Bundle, method: str) -> np.ndarray | None:
    """Return a cached map, (N, 2) float32, or None.

    Args:
        method: "pca" or "tsne".
    """
    arrays = result_cache.load(f"map-{method}", dataset, model_key(bundle))
    return None if arrays is None else arrays["places"]


def make_map(
    dataset: Dataset, bundle: Bundle, on_progress: Progress = lambda share, what: None, tsne: bool = True
) -> np.ndarray:
    """Make a map by t-SNE, or by PCA alone, (N, 2) float32; both are cached, PCA's as soon as it is ready.

    Raises:
        ModelError: See `features`.
    """
    from sklearn.decomposition import PCA

    cached = load_map(dataset, bundle, "tsne" if tsne else "pca")
    if cached is not None:
        return cached
    vectors = features(dataset, bundle, lambda share, what: on_progress(0.4 * share, what)).astype(np.float32)
    on_progress(0.4, "Principal components")
    dimensions = min(_DIMENSIONS, *vectors.shape)
    reduced = PCA(dimensions, random_state=0).fit_transform(vectors).astype(np.float32)
    places = _filled(reduced[:, :2])
    result_cache.store("map-pca", dataset, {"places": places}, model_key(bundle))
    if tsne and len(dataset) >= _FEWEST:
        places = _tsne(reduced, on_progress)
    if tsne:
        result_cache.store("map-tsne", dataset, {"places": places}, model_key(bundle))
    on_progress(1.0, "Done")
    return places


def _tsne(reduced: np.ndarray, on_progress: Progress) -> np.ndarray:
    from openTSNE import TSNE

    done = [0]

    def look(iteration: int, error: float, places: np.ndarray) -> bool:
        done[0] += 10
        on_progress(0.45 + 0.55 * min(1.0, done[0] / sum(_ITERATIONS)), "t-SNE")
        return False

    on_progress(0.42, "Neighbours")
    perplexity = min(30, (len(reduced) - 1) // 3)
    tsne = TSNE(
        perplexity=perplexity,
        early_exaggeration_iter=_ITERATIONS[0],
        n_iter=_ITERATIONS[1],
        random_state=0,
        n_jobs=1,
        callbacks=look,
        callbacks_every_iters=10,
    )
    return np.asarray(tsne.fit(reduced), np.float32)


def _filled(places: np.ndarray) -> np.ndarray:
    """Add a second column if there is only one dimension."""
    return np.pad(places, ((0, 0), (0, 2 - places.shape[1]))).astype(np.float32)


def model_key(bundle: Bundle) -> str:
    """Return a hash of the inference file, so that a model that is trained again gets a new map."""
    try:
        return hashlib.sha256(bundle.inference_file.read_bytes()).hexdigest()[:16]
    except OSError:
        return "none"  # the reader of the file reports that it is missing
