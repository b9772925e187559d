"""`python -m fer_core`: everything that the app does, from the shell.

Exit status 0; 1 with one sentence on stderr for an error of the user's; 2 for wrong usage. Under --json nothing but JSON
comes on stdout.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import FerError
from . import examine, learn, look, runs, use
from . import predict as predicting
from . import scale as scaling
from . import serve as serving
from .output import fail, positive, whole


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        status = options.command(options)
    except FerError as error:
        return fail(str(error))
    except MemoryError:
        return fail("There is not enough memory for this.")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:  # a full disk, a folder without permission
        return fail(f"{error.filename or 'The system'}: {error.strerror or error}.")
    return int(status or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fer_core", description="Facial expression recognition on FER2013-style data."
    )
    parser.add_argument("--version", action="version", version=f"fer_core {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sources = "a file (CSV, zip, parquet, npz), a folder, synthetic[:N[:SEED]] or kaggle:OWNER/NAME"
    models = "a shipped model's name, a bundle folder or a run folder (left out: the shipped default)"

    def command(name: str, run: Any, help: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=run, usage_error=sub.error)
        sub.add_argument("--json", action="store_true", help="print JSON and nothing else on stdout")
        return sub

    data = command("data", look.data, "Say what a data source holds.")
    data.add_argument("source", metavar="SOURCE", help=sources)

    data.add_argument(
        "--report",
        type=Path,
        metavar="HTML",
        help="write a page on what is in the data and what is wrong with them",
    )
    data.add_argument("--model", metavar="NAME|PATH", help="for the report: " + models)
    data.add_argument(
        "--votes",
        metavar="CSV",
        help="for the report: the FER+ votes (default: fer2013new.csv beside the data)",
    )

    map_command = command(
        "map", look.map, "Make a map of the faces: those that a model finds alike are near each other."
    )
    map_command.add_argument("source", metavar="SOURCE", help=sources)
    map_command.add_argument("--model", metavar="NAME|PATH", help=models)
    map_command.add_argument(
        "--out", type=Path, metavar="CSV", help="write row, split, label, x and y to a file"
    )

    folds = command(
        "cross-validate",
        learn.cross_validate,
        "Train a network for each fold without it, for probabilities out of sample.",
    )
    folds.add_argument("--data", metavar="SOURCE", required=True, help=sources)
    folds.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    folds.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="another setting of it; repeatable",
    )
    folds.add_argument("--folds", type=positive, default=3, metavar="N")
    folds.add_argument(
        "--name",
        metavar="NAME",
        help="of its runs NAME-fold-1 ...: the same name goes on where it was interrupted",
    )

    command("presets", look.presets, "List the presets: a network with its training settings.")
    models_command = command("models", look.models, "List the shipped models, or show the card of one.")
    models_command.add_argument("model", nargs="?", metavar="NAME|PATH", help="the model whose card is shown")

    train = command("train", learn.train, "Train a network.")
    train.add_argument("--data", metavar="SOURCE", help=sources)
    train.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    train.add_argument(
        "--votes", metavar="CSV", help="FER+ votes for these images (default: fer2013new.csv beside them)"
    )
    train.add_argument("--epochs", type=positive, metavar="N")
    train.add_argument("--limit", type=positive, metavar="N", help="use at most N images of each split")
    train.add_argument("--batch-size", type=positive, metavar="N")
    train.add_argument("--learning-rate", type=float, metavar="X")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument(
        "--teacher",
        metavar="NAME|PATH",
        help="a model whose probabilities become part of the targets (distillation)",
    )
    train.add_argument("--precision", choices=("float32", "mixed_bfloat16", "mixed_float16", "auto"))
    train.add_argument(
        "--start-from", metavar="NAME|PATH", help="a model whose weights the run starts from (fine-tuning)"
    )
    train.add_argument(
        "--freeze-until",
        metavar="LAYER",
        help="its layers up to this one keep their weights, such as features",
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="any other setting, such as augment.rotation=20; repeatable",
    )
    train.add_argument(
        "--run-dir", type=Path, metavar="DIR", help="the folder of the run (default: a new one below runs/)"
    )
    train.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the run in DIR after its last finished epoch"
    )
    train.add_argument(
        "--finish",
        action="store_true",
        help="with --resume: train no further, write the model with the best weights so far",
    )
    train.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="processes that share each batch, under JAX (default: one, under Keras' backend)",
    )
    train.add_argument(
        "--coordinator",
        metavar="HOST:PORT",
        help="with --resume and --workers: where the workers of several machines meet",
    )
    train.add_argument(
        "--rank",
        type=whole,
        default=0,
        metavar="N",
        help="which of these workers this one is, from 0, which leads",
    )
    train.add_argument(
        "--queue", action="store_true", help="start it in the background, once the runs beside it have ended"
    )

    runs_below = "the folder of the runs (default: FER_RUNS_DIR, else runs)"
    runs_command = command(
        "runs", runs.runs, "List the training runs, or name, note, promote, pack or delete one."
    )
    runs_command.add_argument(
        "run", nargs="?", metavar="NAME|DIR", help="one run: its record, or what the options below do to it"
    )
    runs_command.add_argument("--runs", type=Path, metavar="DIR", help=runs_below)
    runs_command.add_argument("--title", metavar="TEXT", help="another title for it")
    runs_command.add_argument("--note", metavar="TEXT", help="a note about it")
    runs_command.add_argument(
        "--promote", metavar="NAME", help="keep its model under this name, for --model NAME and the app"
    )
    runs_command.add_argument(
        "--pack", type=Path, metavar="ZIP", help="write its records and model to a zip file"
    )
    runs_command.add_argument("--delete", action="store_true", help="delete it")
    runs_command.add_argument(
        "--against", metavar="NAME|DIR", help="show in which settings it differs from this run"
    )

    steer = command("steer", runs.steer, "Steer a run while it trains.")
    steer.add_argument("run", metavar="NAME|DIR")
    steer.add_argument(
        "action", choices=("pause", "go", "step", "stop", "rate"), help="step: one epoch more, then pause"
    )
    steer.add_argument("value", nargs="?", type=float, metavar="RATE", help="for rate: the new learning rate")
    steer.add_argument("--runs", type=Path, metavar="DIR", help=runs_below)

    queue = command("queue", runs.queue, "Show the queue of runs, change its order, or work on it.")
    queue.add_argument("--runs", type=Path, metavar="DIR", help=runs_below)
    queue.add_argument("--first", metavar="NAME", help="put this run at the front")
    queue.add_argument("--remove", metavar="NAME", help="take this run out")
    queue.add_argument(
        "--parallel", type=positive, metavar="N", help="how many runs may train at once (default: 1)"
    )
    queue.add_argument(
        "--work",
        action="store_true",
        help="start what waits, one after the other, until nothing waits any more",
    )

    sweep = command("sweep", runs.sweep, "Search settings: many runs of a preset, with Optuna.")
    sweep.add_argument("--data", metavar="SOURCE", help=sources)
    sweep.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    sweep.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="a setting that all runs have; repeatable",
    )
    sweep.add_argument(
        "--search",
        action="append",
        default=[],
        metavar="SECTION.NAME=RANGE",
        help="a setting that varies: a list 16,32,64, a range 0..20, in steps 0..20:5, or logarithmic 1e-4..1e-1:log; repeatable",
    )
    sweep.add_argument("--trials", type=positive, metavar="N", help="how many runs are made (default: 20)")
    sweep.add_argument(
        "--pruner", choices=("median", "hyperband", "none"), help="when a run is given up (default: median)"
    )
    sweep.add_argument("--seed", type=int, metavar="N", help="of the sampler")
    sweep.add_argument(
        "--sweep-dir", type=Path, metavar="DIR", help="the folder of the sweep; its runs stand beside it"
    )
    sweep.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on with the sweep in DIR, beside others that do"
    )
    sweep.add_argument(
        "--storage",
        metavar="URL",
        help="keep the study in a database instead of a file, such as postgresql://USER@HOST/NAME",
    )

    speed = command("speed", learn.speed, "Measure how many images a second this machine trains on.")
    speed.add_argument("--preset", metavar="NAME", help="a name that `presets` lists (default: standard)")
    speed.add_argument(
        "--config", metavar="FILE", help="a run's config.json instead; - reads it from standard input"
    )
    speed.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.NAME=VALUE",
        help="another setting of it; repeatable",
    )

    evaluate = command("evaluate", use.evaluate, "Score a model on labelled images.")
    evaluate.add_argument("--model", metavar="NAME|PATH", help=models)
    evaluate.add_argument("--data", metavar="SOURCE", required=True, help=sources)
    evaluate.add_argument("--split", choices=("test", "validation", "train"), default="test")
    evaluate.add_argument(
        "--truth",
        choices=("labels", "votes"),
        help="votes: what most FER+ voters chose (default: as the model was trained)",
    )
    evaluate.add_argument(
        "--votes", metavar="CSV", help="the FER+ votes (default: fer2013new.csv beside the data)"
    )
    evaluate.add_argument(
        "--tta",
        choices=("none", "flip", "off"),
        default="none",
        help="flip: average over each image and its mirror image; off: one view, without the others that a model has inside",
    )
    evaluate.add_argument(
        "--save", action="store_true", help="write figures and answers into a shipped model's bundle too"
    )
    evaluate.add_argument(
        "--against",
        action="append",
        default=[],
        metavar="NAME|PATH",
        help="another model to compare with; repeatable",
    )
    evaluate.add_argument("--report", type=Path, metavar="FILE", help="write all of it as one HTML page")

    robustness = command(
        "robustness", examine.robustness, "Score a model on corrupted images, in the manner of ImageNet-C."
    )
    robustness.add_argument("--model", metavar="NAME|PATH", help=models)
    robustness.add_argument("--data", metavar="SOURCE", required=True, help=sources)
    robustness.add_argument("--split", choices=("validation", "test", "train"), default="validation")
    robustness.add_argument(
        "--images",
        type=positive,
        default=500,
        metavar="N",
        help="how many, each class with its share (default: 500)",
    )

    explain = command("explain", examine.explain, "Show where a model looks on a face, as a picture.")
    explain.add_argument("image", metavar="IMAGE")
    explain.add_argument("--model", metavar="NAME|PATH", help=models)
    explain.add_argument("--method", choices=examine.METHODS, default="grad-cam")
    explain.add_argument(
        "--of", metavar="CLASS", help="what speaks for this class (default: the one that the model says)"
    )
    explain.add_argument("--no-detect", action="store_true", help="take the whole picture as one face")
    explain.add_argument("--out", type=Path, required=True, metavar="PNG")

    bundle = command(
        "bundle",
        learn.bundle,
        "Bundle finished runs anew: one with other settings, or several as an ensemble.",
    )
    bundle.add_argument("runs", nargs="+", metavar="RUN", help="folders of finished runs, or of bundles")
    bundle.add_argument(
        "--data",
        metavar="SOURCE",
        required=True,
        help="what they were trained on; the temperature is fitted on its validation split",
    )
    bundle.add_argument(
        "--votes", metavar="CSV", help="the FER+ votes (default: fer2013new.csv beside the data)"
    )
    bundle.add_argument("--name", required=True, metavar="NAME")
    bundle.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the new bundle")
    bundle.add_argument(
        "--mirror", action=argparse.BooleanOptionalAction, help="average over each image and its mirror image"
    )
    bundle.add_argument(
        "--zoom",
        action=argparse.BooleanOptionalAction,
        help="average over the enlarged middle of each image too",
    )
    bundle.add_argument(
        "--quantisation", choices=("none", "float16", "int8"), help="weights of the inference file"
    )

    predict = command(
        "predict",
        predicting.predict,
        "Find and classify the faces on photos, in folders, zips and videos, or before a camera.",
    )
    predict.add_argument("--model", metavar="NAME|PATH", help=models)
    predict.add_argument(
        "inputs", nargs="*", metavar="INPUT", help="pictures, folders or zips of pictures, or videos"
    )
    predict.add_argument(
        "--camera",
        type=whole,
        metavar="N",
        help="look through camera N of this machine, from 0, until Ctrl-C",
    )
    predict.add_argument("--seconds", type=positive, metavar="N", help="end the camera after so long")
    predict.add_argument("--no-detect", action="store_true", help="take each whole picture as one face")
    predict.add_argument(
        "--unsure-below",
        type=float,
        default=0.0,
        metavar="0..1",
        help="call faces unsure whose confidence is lower",
    )
    predict.add_argument(
        "--csv", type=Path, metavar="FILE", help="write one row a face; of a video one row a face and moment"
    )
    predict.add_argument(
        "--annotate",
        type=Path,
        metavar="OUT",
        help="write what was read with boxes and labels: a picture, a folder for several, or an .mp4",
    )
    predict.add_argument(
        "--rate", type=float, metavar="HZ", help="of a video, look at so many frames a second (default: 5)"
    )
    predict.add_argument(
        "--every", type=positive, metavar="N", help="of a video, look at every n-th frame instead"
    )
    predict.add_argument(
        "--smoothing",
        type=float,
        default=0.5,
        metavar="S",
        help="of a video, smooth over so many seconds (default: 0.5)",
    )

    score = command(
        "score",
        scaling.score,
        "Classify millions of faces or photos to parquet; a second start goes on where the first ended.",
    )
    score.add_argument("source", metavar="SOURCE", help=sources + ", or a folder or zip of photos")
    score.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the parts")
    score.add_argument("--model", metavar="NAME|PATH", help=models)
    kinds = score.add_mutually_exclusive_group()
    for kind, what in (
        ("faces", "each picture is one face, 48x48 grey"),
        ("photos", "faces are looked for on each picture"),
    ):
        kinds.add_argument(
            f"--{kind}",
            dest="kind",
            action="store_const",
            const=kind,
            help=f"{what} (left out: class folders and tables are faces)",
        )
    score.add_argument("--workers", type=positive, metavar="N", help="processes (default: one a core)")
    score.add_argument(
        "--part-size",
        type=positive,
        metavar="N",
        help="faces or photos a file (default: by the size of the source)",
    )
    score.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="work through Ray: local, or a cluster's address such as auto or HOST:6379",
    )

    serve = command("serve", serving.serve, "Answer over HTTP: pictures in, faces and expressions out.")
    serve.add_argument("--model", metavar="NAME|PATH", help=models)
    serve.add_argument(
        "--host",
        default="127.0.0.1",
        help="0.0.0.0 lets other machines in (default: 127.0.0.1, this machine alone)",
    )
    serve.add_argument("--port", type=whole, default=8000, help="0 takes a free one (default: 8000)")
    serve.add_argument(
        "--max-megabytes", type=positive, default=20, metavar="N", help="of a request (default: 20)"
    )
    serve.add_argument(
        "--per-minute", type=positive, default=120, metavar="N", help="requests of one client (default: 120)"
    )

    export = command("export", use.export, "Write a model to a file for other programs.")
    export.add_argument("--model", metavar="NAME|PATH", help=models)
    export.add_argument("--format", choices=("keras", "litert", "onnx"), required=True)
    export.add_argument("--out", type=Path, required=True, metavar="PATH")
    return parser
