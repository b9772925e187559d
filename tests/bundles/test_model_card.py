"""The text of a card says what people must know before they use the model."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from fer_core.bundles import model_card
from fer_core.bundles.bundle import find_bundle
from fer_core.errors import ModelError


@pytest.fixture
def card(labels_run: Path) -> dict:
    """Of a real run, as if it had been trained on FER2013."""
    card = copy.deepcopy(find_bundle(str(labels_run)).card)
    card["data"]["source"] = "fer2013.csv"
    card["figures"] = {"validation": card["figures"]["validation"]}
    return card | model_card.sections(card)


def section(text: str, title: str) -> str:
    """What stands below a heading."""
    parts = [part for part in ("\n" + text).split("\n## ")[1:] if part.startswith(title + "\n")]
    assert len(parts) == 1, title
    return parts[0]


def test_it_has_the_sections_of_a_model_card(card: dict) -> None:
    text = model_card.markdown(card)
    assert text.startswith("# labels\n") and text.endswith("\n") and "None" not in text
    titles = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert titles == [
        "Model details",
        "Intended use",
        "Not for",
        "Limits",
        "Training",
        "Steps after training, on validation",
        "Figures on validation",
    ]


def test_licence_and_limits_are_named(card: dict) -> None:
    text = model_card.markdown(card)
    assert "Licence of the weights: MIT" in section(text, "Model details")
    limits = section(text, "Limits")
    assert "seven classes" in limits and "noisy" in limits and "was not measured" in limits
    refused = section(text, "Not for")
    assert "hiring" in refused and "2024/1689" in refused and "without their consent" in refused
    assert len(card["uses"]) == section(text, "Intended use").count("\n- ")


def test_details_are_those_of_the_card(card: dict) -> None:
    details = section(model_card.markdown(card), "Model details")
    for line in (
        f"- Parameters: {card['parameters']:,}",
        f"- Multiply-adds for an image: {card['multiply_adds']:,}",
        f"- Temperature inside: {card['temperature']:.3f}",
        "- Views averaged inside: the image, each with its mirror image",
        "- Inference file: int8",
        "- Classes: angry, disgust, fear, happy, sad, surprise, neutral",
    ):
        assert line in details.splitlines()
    assert "Networks" not in details
    training = section(model_card.markdown(card), "Training").splitlines()
    assert f"- Data: fer2013.csv (csv), fingerprint {card['data']['fingerprint']}" in training
    assert "- Training images: 147" in training and "- Epochs: 4" in training and "- Seed: 0" in training
    assert f"- Machine: {card['training']['machine']}" in training


def test_figures_stand_with_their_interval_and_their_table(card: dict) -> None:
    figures = card["figures"]["validation"] | {
        "accuracy": 0.7321,
        "accuracy_ci95": [0.7174, 0.7463],
        "count": 3589,
    }
    figures |= {"macro_f1": 0.7214, "calibration_error": 0.0123}
    text = section(model_card.markdown(card | {"figures": {"test": figures}}), "Figures on test")
    assert "Accuracy 73.21% (95% interval 71.74% to 74.63%) on 3,589 images" in text
    assert "Macro F1 0.721" in text and "calibration error 1.23%" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == ["class", *card["labels"]]
    happy = figures["per_class"]["happy"]
    assert (
        f"| happy | {happy['precision']:.1%} | {happy['recall']:.1%} | {happy['f1']:.3f} | "
        f"{happy['support']:,} |" in rows
    )


def test_leaked_images_and_their_share_in_each_class_are_told(card: dict) -> None:
    figures = copy.deepcopy(card["figures"]["validation"])
    clean = copy.deepcopy(figures) | {"accuracy": 0.5, "accuracy_ci95": [0.4, 0.6]}
    for number, row in enumerate(clean["per_class"].values()):
        row["f1"] = 0.111 * (number + 1)
    figures |= {"leaked": 288, "without_leaked": clean}
    text = section(model_card.markdown(card | {"figures": {"test": figures}}), "Figures on test")
    assert "- 50.00% (40.00% to 60.00%) without the 288 images that also occur in the training split" in text
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("| class"))
    rows = [line for line in lines if line.startswith("|")]
    assert head.endswith("| F1 without copies |") and len({row.count("|") for row in rows}) == 1
    assert [row.split("|")[-2].strip() for row in rows[2:]] == [f"{0.111 * (i + 1):.3f}" for i in range(7)]


def test_what_each_step_after_training_did_is_told(card: dict) -> None:
    card["steps"] |= {
        "accuracy_one_view": 0.71,
        "accuracy_before_quantisation": 0.7321,
        "other_labels_after_quantisation": 0.0064,
        "largest_difference_after_quantisation": 0.0421,
        "calibration_error_before_temperature": 0.1234,
    }
    card["figures"]["validation"] |= {"accuracy": 0.7314, "calibration_error": 0.0123}
    steps = section(model_card.markdown(card), "Steps after training, on validation")
    assert [line.split(": ")[1] for line in steps.splitlines() if line.startswith("- ")] == [
        "71.00%",
        "73.21%",
        "73.14%",
        "0.64%",
        "4.21%",
        "12.34%",
        "1.23%",
    ]


def test_a_model_of_the_voters_says_whose_answer_it_gives(votes_run: Path) -> None:
    card = copy.deepcopy(find_bundle(str(votes_run)).card)
    text = model_card.markdown(card)
    assert "answers as FER+ voters do" in section(text, "Limits")
    assert "Compared with the majority of the FER+ votes, single votes dropped" in section(
        text, "Figures on validation"
    )
    assert "Inference file: float32" in section(text, "Model details")


def test_a_model_of_other_data_says_so(labels_run: Path, votes_run: Path) -> None:
    for run in (labels_run, votes_run):
        limits = section(model_card.markdown(find_bundle(str(run)).card), "Limits")
        assert "Trained only on fer.csv; its accuracy" in limits and "FER2013" not in limits


def test_an_ensemble_names_its_networks_seeds(card: dict) -> None:
    text = model_card.markdown(card | {"members": [{"seed": 0}, {"seed": 4}, {"seed": 7}]})
    assert "- Networks: 3" in section(text, "Model details") and "- Seed: 0, 4, 7" in section(
        text, "Training"
    )


def test_a_card_of_before_these_sections_can_be_shown() -> None:
    """The shipped model of the last version has no temperature, licence or multiply-adds on its card."""
    text = model_card.markdown({"name": "old", "labels": ["happy", "sad"], "data": {}, "figures": {}})
    assert text.startswith("# old") and "happy, sad" in text


def test_an_ensemble_tells_the_epochs_of_each_network(card: dict) -> None:
    members = [{"seed": seed, "training": {"epochs": 100}} for seed in (0, 1, 2)]
    assert "- Epochs: 3 x 100" in section(model_card.markdown(card | {"members": members}), "Training")
    members[0]["training"]["epochs"] = 50
    assert "- Epochs: 50 + 100 + 100" in section(model_card.markdown(card | {"members": members}), "Training")


def test_what_a_figure_does_not_say_by_itself_stands_in_a_note(card: dict) -> None:
    card["training"] = card["training"] | {"note": "The curve is of the other output."}
    assert "- Note: The curve is of the other output." in section(model_card.markdown(card), "Training")


@pytest.mark.parametrize("source", ["fer2013.csv", "icml_face_data.csv"])
def test_fer2013_is_known_by_the_names_it_was_published_under(source: str) -> None:
    assert any(
        "Labels of FER2013 are noisy" in line
        for line in model_card.sections({"data": {"source": source}})["limits"]
    )


@pytest.mark.parametrize(
    "damage",
    [
        {"figures": {"test": []}},
        {"temperature": "warm"},
        {"parameters": "many"},
        {"members": 3},
        {"members": [{}]},
        {"config": {"train": []}},
        {"training": {"seconds": "long"}},
        {"labels": [1]},
        {"uses": 3},
    ],
)
def test_a_damaged_card_is_one_sentence_or_shown_without_what_is_damaged(card: dict, damage: dict) -> None:
    try:
        text = model_card.markdown(card | damage)
    except ModelError as error:
        assert "card of labels is damaged" in str(error) and "\n" not in str(error)
    else:
        assert text.startswith("# labels")


def test_the_layers_are_a_table(card: dict) -> None:
    lines = model_card.layers_markdown(card).splitlines()
    assert len([line for line in lines if line.startswith("| ")]) == 1 + len(card["layers"])
    layer = next(row for row in card["layers"] if row["type"] == "Conv2D")
    height, width, channels = layer["output"]
    assert (
        f"| {layer['name']} | Conv2D | {height} x {width} x {channels} | {layer['parameters']:,} | "
        f"{layer['multiply_adds']:,} |" in lines
    )
    assert model_card.layers_markdown({"layers": "none"}) == model_card.layers_markdown({}) == ""
