"""A `.keras` file is read, never run: code in it is refused, and a damaged one is one sentence."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from fer_core.bundles.bundle import KERAS, MODELS_DIR, Bundle, read_bundle
from fer_core.bundles.export import load_keras
from fer_core.errors import ModelError
from tests.fuzz.mutation import inputs
from tests.fuzz.targets import Target


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return read_bundle(Path(shutil.copytree(MODELS_DIR / "tiny", tmp_path / "hostile")))


def rewritten(bundle: Bundle, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the configuration inside the `.keras` file."""
    with zipfile.ZipFile(bundle.keras_file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(bundle.keras_file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_lambda_layer_is_not_run(bundle: Bundle, tmp_path: Path) -> None:
    import keras

    ran = tmp_path / "ran"
    inputs_ = keras.Input((48, 48, 1))
    keras.Model(
        inputs_, keras.layers.Lambda(lambda x, path=str(ran): (open(path, "w").close(), x)[1])(inputs_)
    ).save(bundle.keras_file)
    ran.unlink()  # it was made while the model was
    with pytest.raises(ModelError, match=KERAS):
        load_keras(bundle)
    assert not ran.exists()


@pytest.mark.parametrize(
    "thing",
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("subprocess", "Popen"),
        ("keras.utils", "get_file"),
        ("shutil", "rmtree"),
    ],
)
def test_names_of_other_things_than_layers_are_not_called(
    bundle: Bundle, tmp_path: Path, thing: tuple[str, str]
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()

    def change(config: dict[str, Any]) -> None:
        layer = config["config"]["layers"][1]
        layer["module"], layer["class_name"], layer["registered_name"] = *thing, None
        layer["config"] = {"path": str(victim), "command": f"rmdir {victim}", "name": "x"}

    rewritten(bundle, change)
    with pytest.raises(ModelError) as error:
        load_keras(bundle)
    assert "\n" not in str(error.value) and victim.exists()


def test_damaged_files_are_one_sentence(bundle: Bundle) -> None:
    good = bundle.keras_file.read_bytes()
    target = Target(
        lambda data, folder: None,
        lambda: [good],
        (b"{", b"null", b'"class_name"', b'"module"', b"keras.layers"),
        packed=True,
    )

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(inputs(target, [good]))
    def tried(data: bytes) -> None:
        bundle.keras_file.write_bytes(data)
        try:
            load_keras(bundle)
        except ModelError as error:
            assert "\n" not in str(error) and len(str(error)) < 1000

    tried()
    bundle.keras_file.write_bytes(good)
    assert load_keras(bundle) is not None


def test_a_bundle_whose_light_file_is_damaged_is_one_sentence(bundle: Bundle) -> None:
    from fer_core.inference import Classifier

    content = bundle.inference_file.read_bytes()
    for damaged in (
        b"",
        content[:100],
        b"\0" * 5000,
        content[: len(content) // 2],
        io.BytesIO(b"no model").getvalue(),
    ):
        bundle.inference_file.write_bytes(damaged)
        with pytest.raises(ModelError):
            Classifier(bundle)
