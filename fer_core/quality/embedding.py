"""A map of a data set: every face as a point, near those that a model finds alike.

The features of a model's layer before the classifier are brought to 50 dimensions by PCA and to two by t-SNE (van der Maaten and
Hinton 2008; openTSNE's interpolation, Linderman et al. 2019). The first two principal components are a map at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from ..bundle import Bundle
from ..data.dataset import Dataset
from ..inference.features import FeatureExtractor
from . import kept

Progress = Callable[[float, str], None]
_CHUNK = 512
_DIMENSIONS = 50
_ITERATIONS = (250, 500)  # with early exaggeration, and after it
_FEWEST = 10  # images; fewer make no map of neighbours


def load_features(dataset: Dataset, bundle: Bundle) -> np.ndarray | None:
    """(N, F) float16 features that were computed before, or None."""
    arrays = kept.load("features", dataset, model_key(bundle))
    return None if arrays is None else arrays["features"]


def features(
    dataset: Dataset, bundle: Bundle, on_progress: Progress = lambda share, what: None
) -> np.ndarray:
    """(N, F) float16 features of all images, computed once for each model and then kept in the cache.

    Raises:
        ModelError: the model has no readable inference file, or tells no features.
    """
    found = load_features(dataset, bundle)
    if found is None:
        extractor = FeatureExtractor(bundle)
        found = np.empty((len(dataset), extractor.size), np.float16)
        for start in range(0, len(dataset), _CHUNK):
            found[start : start + _CHUNK] = extractor.features(
                np.asarray(dataset.images[start : start + _CHUNK])
            )
            on_progress(start / len(dataset), "Looking at the faces")
        kept.store("features", dataset, {"features": found}, model_key(bundle))
    return found


def load_map(dataset: Dataset, bundle: Bundle, method: str) -> np.ndarray | None:
    """(N, 2) float32 places on the map that was made before, or None.

    Args:
        method: "pca" or "tsne".
    """
    arrays = kept.load(f"map-{method}", dataset, model_key(bundle))
    return None if arrays is None else arrays["places"]


def make_map(
    dataset: Dataset, bundle: Bundle, on_progress: Progress = lambda share, what: None, tsne: bool = True
) -> np.ndarray:
    """(N, 2) float32 places by t-SNE, or by PCA alone; both are kept in the cache, PCA's as soon as it is there.

    Raises:
        ModelError: as `features`.
    """
    from sklearn.decomposition import PCA

    known = load_map(dataset, bundle, "tsne" if tsne else "pca")
    if known is not None:
        return known
    found = features(dataset, bundle, lambda share, what: on_progress(0.4 * share, what)).astype(np.float32)
    on_progress(0.4, "Principal components")
    dimensions = min(_DIMENSIONS, *found.shape)
    reduced = PCA(dimensions, random_state=0).fit_transform(found).astype(np.float32)
    places = _filled(reduced[:, :2])
    kept.store("map-pca", dataset, {"places": places}, model_key(bundle))
    if tsne and len(dataset) >= _FEWEST:
        places = _tsne(reduced, on_progress)
    if tsne:
        kept.store("map-tsne", dataset, {"places": places}, model_key(bundle))
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
    """With a second column where there is one dimension only."""
    return np.pad(places, ((0, 0), (0, 2 - places.shape[1]))).astype(np.float32)


def model_key(bundle: Bundle) -> str:
    """Of the inference file, so that a model that is trained anew gets a map of its own."""
    try:
        return hashlib.sha256(bundle.inference_file.read_bytes()).hexdigest()[:16]
    except OSError:
        return "none"  # what reads it then says that it is missing
