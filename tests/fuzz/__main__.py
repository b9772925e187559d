"""Search for inputs that break a parser, guided by the coverage of `fer_core` (atheris, that is libFuzzer).

    python -m tests.fuzz TARGET [--runs N] [--seconds N] [--corpus FOLDER]

The limits are 2 GB above the initial memory and 20 seconds per input; an input that breaks a parser is stored
as FOLDER/TARGET/finding-*. The exit status is 0 if there is none.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["fer_core"], enable_loader_override=False):
    from .targets import TARGETS, attempt


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--corpus", type=Path, default=Path("runs/fuzz"))
    options = parser.parse_args()
    target, corpus = TARGETS[options.target], options.corpus / options.target.replace(" ", "-")
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    tokens = corpus.parent / f"{corpus.name}.dict"
    tokens.write_text(
        "".join('"' + "".join(f"\\x{byte:02x}" for byte in token) + '"\n' for token in target.tokens)
    )
    place = Path(tempfile.mkdtemp(prefix="fer-fuzz-"))

    def one(data: bytes) -> None:
        folder = place / "in"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        attempt(target, data, folder)

    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            f"-runs={options.runs}",
            f"-max_total_time={options.seconds}",
            "-timeout=20",
            "-rss_limit_mb=3000",
            "-max_len=100000",
            f"-dict={tokens}",
            f"-artifact_prefix={corpus}/finding-",
            "-print_final_stats=1",
            "-verbosity=1",
        ],
        one,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
