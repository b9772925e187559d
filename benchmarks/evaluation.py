"""What evaluating costs: seconds to classify 7,178 faces, to redraw each view of the page, and to explain one
face.

    python benchmarks/evaluation.py [SOURCE] [--model NAME]

SOURCE is a data set (the embedded faces by default); where it has fewer test and validation images than
7,178, they are repeated. References in the same run: the bare LiteRT interpreter on the same batches, and a
Streamlit page of one line.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FACES, RERUNS, TIMES, BATCH = 7178, 15, 5, 64
VIEWS = ("Matrix", "Classes", "Trust", "Compare", "People", "Slices", "What if", "Robustness")


def seconds(work: Callable[[], object], times: int = TIMES) -> float:
    """Median of `times` runs after one to warm up."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def classifying(source: str, model: str) -> None:
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    from fer_core.bundles.bundle import find_bundle
    from fer_core.bundles.classifier import Classifier
    from fer_core.data import open_dataset

    data, bundle, threads = open_dataset(source), find_bundle(model), os.cpu_count() or 1
    images = np.resize(data.images[data.splits > 0], (FACES, 48, 48))
    bare = Interpreter(str(bundle.inference_file), num_threads=threads)
    place = bare.get_input_details()[0]["index"]
    bare.resize_tensor_input(place, (BATCH, 48, 48, 1))
    bare.allocate_tensors()
    classifier = Classifier(bundle, threads)

    def reference() -> None:
        for start in range(0, FACES, BATCH):
            bare.set_tensor(
                place, np.resize(images[start : start + BATCH], (BATCH, 48, 48))[..., None].astype(np.float32)
            )
            bare.invoke()

    slow, fast = seconds(lambda: classifier.probabilities(images), 3), seconds(reference, 3)
    print(
        f"{FACES:,} faces through {bundle.name}: {slow:.1f} s on {threads} cores, "
        f"{slow / fast:.2f} of the bare interpreter",
        flush=True,
    )


def explaining(source: str, model: str) -> None:
    from fer_core.bundles.bundle import find_bundle
    from fer_core.bundles.classifier import Classifier
    from fer_core.data import open_dataset
    from fer_core.explanation.grad_cam_process import GradCamProcess
    from fer_core.explanation.occlusion import occlusion_maps

    image, bundle = open_dataset(source).images[0], find_bundle(model)
    classifier = Classifier(bundle)
    print(f"\nwhy {bundle.name} says so, one face")
    print(f"{'occlusion':24}{seconds(lambda: occlusion_maps(classifier, image)):8.3f} s")
    process, start = GradCamProcess(bundle), time.perf_counter()
    try:
        process.start()
        process.maps(image[None])
        print(f"{'Grad-CAM, the first':24}{time.perf_counter() - start:8.3f} s")
        print(f"{'Grad-CAM, warm':24}{seconds(lambda: process.maps(image[None])):8.3f} s", flush=True)
    finally:
        process.close()


def reruns(source: str) -> None:
    from streamlit.testing.v1 import AppTest

    logging.disable(logging.WARNING)
    bare = AppTest.from_string("import streamlit as st\nst.text('x')").run()
    reference = seconds(bare.run, RERUNS)
    print(
        f"\n{'a rerun of':24}{'seconds':>9}{'times a page of one line':>27}\n"
        f"{'one line':24}{reference:9.3f}{1:27.0f}"
    )
    for view in VIEWS:
        app = AppTest.from_file(str(ROOT / "streamlit_app.py"), default_timeout=300)
        app.session_state["data_source"] = source
        app.session_state["evaluate_view"] = view
        app.run()
        app.switch_page("pages/evaluate.py").run()
        taken = seconds(app.run, RERUNS)
        assert not app.exception and app.metric, view
        print(f"{view:24}{taken:9.3f}{taken / reference:27.0f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?", default="synthetic")
    parser.add_argument("--model", default="standard")
    options = parser.parse_args()
    source = (
        options.source
        if ":" in options.source or options.source == "synthetic"
        else str(Path(options.source).resolve())
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"FER_RUNS_DIR": folder, "FER_EXPLORER_HOME": folder}
        from fer_core.bundles.bundle import find_bundle
        from fer_core.data import open_dataset
        from fer_core.evaluation.scoring import score

        score(
            find_bundle(options.model), open_dataset(source), "validation", save=False
        )  # the page shows what is kept
        classifying(source, options.model)
        explaining(source, options.model)
        reruns(source)


if __name__ == "__main__":
    main()
