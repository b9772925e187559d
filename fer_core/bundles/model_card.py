"""The text of a model card, in the sections of Mitchell et al. 2019 (arXiv:1810.03993)."""

from __future__ import annotations

from typing import Any

from ..errors import ModelError
from ..wording import plural
from .card_values import as_dict, as_dicts, as_int

LICENCE = "MIT"

_USES = [
    "Teaching and learning how expression classifiers work, and where and why they err.",
    "A baseline for research on FER2013-style data: grey, 48x48, frontal faces.",
    "Interactive demonstrations on photos and webcams of people who know of it and agree.",
]
_NOT_FOR = [
    "Deciding about people: hiring, schooling, policing, insurance, health. An expression on a picture is "
    "not what a person feels.",
    "Emotion recognition at the workplace and in education, which the EU's AI Act forbids (Regulation "
    "2024/1689, article 5).",
    "Monitoring people without their consent.",
]
_LIMITS = [
    "It knows seven classes and must choose one of them, even for a face that shows none or several.",
    "Labels of FER2013 are noisy: they agree with the majority of ten FER+ voters on about two thirds of the "
    "images.",
    "Fear, sadness and disgust are recognised far less reliably than happiness and surprise; "
    "see the table by class.",
    "Trained on web pictures of 2013 without records of age, sex or skin colour: "
    "how it differs between groups was not measured.",
    "Faces that are turned by more than about 30 degrees, covered, blurred, very dark or below about 40 "
    "pixels differ from its training images.",
]

_FIGURES = {"accuracy", "accuracy_ci95", "count", "macro_f1", "per_class"}


def sections(card: dict[str, Any]) -> dict[str, Any]:
    """Return the text sections of a card: licence, intended uses, uses it is not for, limits."""
    limits = list(_LIMITS)
    source = card["data"]["source"]
    if not source.startswith(("fer2013", "icml_face_data")):  # the names that FER2013 was published under
        limits[1:] = [f"Trained only on {source}; its accuracy on other pictures is unknown."]
    if card.get("imported"):
        limits[1:] = ["Trained elsewhere, on unknown pictures: evaluate it on your own."]
    if card.get("first_weights"):
        limits.append(
            "Its first weights were learned on VGGFace2, a data set for research: check that this fits your "
            "use. `standard`, `ferplus`, `tiny` and the baselines are free of it."
        )
    if card.get("truth") == "votes":
        limits.append(
            "It answers as FER+ voters do: images on which they disagree, or see contempt or no face, "
            "were left out of its figures."
        )
    return {"licence": LICENCE, "uses": _USES, "not_for": _NOT_FOR, "limits": limits}


def markdown(card: dict[str, Any]) -> str:
    """Return the card as Markdown.

    Raises:
        ModelError: The card lacks a value that the text needs, or has it in another form.
    """
    try:
        return _markdown(card)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(
            f"The card of {card.get('name', 'this model')} is damaged ({reason}): --json shows what it holds."
        ) from None


def layers_markdown(card: dict[str, Any]) -> str:
    """Return the table of layers for one view of an image as Markdown; empty if the card lists none."""
    rows = [
        f"| {row.get('name')} | {row.get('type')} | "
        f"{' x '.join(map(str, shape)) if isinstance(shape := row.get('output'), list) else '-'} | "
        f"{as_int(row.get('parameters')) or 0:,} | {as_int(row.get('multiply_adds')) or 0:,} |"
        for row in as_dicts(card, "layers")
    ]
    head = [
        "",
        "## Layers",
        "",
        "| layer | type | output | parameters | multiply-adds |",
        "|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n" if rows else ""


def _markdown(card: dict[str, Any]) -> str:
    training, config, data = as_dict(card, "training"), as_dict(card, "config"), as_dict(card, "data")
    train = as_dict(config, "train")
    lines = [f"# {card.get('name', 'A model')}", "", "## Model details", ""]
    lines += _list(
        {
            "Created": card.get("created"),
            "Preset": card.get("preset"),
            "Classes": ", ".join(card["labels"]),
            "Input": card.get("input", {}).get("values"),
            "Parameters": _count(card.get("parameters")),
            "Multiply-adds for an image": _count(card.get("multiply_adds")),
            "Views averaged inside": _views(card),
            "Temperature inside": f"{card['temperature']:.3f}" if card.get("temperature") else None,
            "Inference file": {"none": "float32", None: None}.get(
                card.get("quantisation"), card.get("quantisation")
            ),
            "Networks": len(card["members"]) if card.get("members") else None,
            "Licence of the weights": card.get("licence"),
        }
    )
    for title, key in (("Intended use", "uses"), ("Not for", "not_for"), ("Limits", "limits")):
        if card.get(key):
            lines += ["", f"## {title}", "", *(f"- {line}" for line in card[key])]
    if as_dict(card, "imported"):
        return "\n".join([*lines, *_imported(card), *_all_figures(card)]) + "\n"
    lines += ["", "## Training", ""]
    lines += _list(
        {
            "Data": f"{data.get('source')} ({data.get('format')}), fingerprint {data.get('fingerprint')}",
            "Notes on the data": " ".join(map(str, data.get("notes") or [])) or None,
            "Training images": _count(training.get("train_images")),
            "First weights": card.get("first_weights"),
            "Seed": ", ".join(str(m["seed"]) for m in card["members"])
            if card.get("members")
            else train.get("seed"),
            "Epochs": epochs_in_words(card),
            "Wall time": f"{training['seconds'] / 60:.0f} minutes" if training.get("seconds") else None,
            "Machine": training.get("machine"),
            "Note": training.get("note"),
            "Command": card.get("command"),
        }
    )
    lines += [*_steps(card), *_all_figures(card)]
    return "\n".join(lines) + "\n"


def _imported(card: dict[str, Any]) -> list[str]:
    """Return where a model from elsewhere comes from, how it is fed, and what it can do here."""
    imported = as_dict(card, "imported")
    chosen = as_dict(imported, "chosen")
    lines = ["", "## Import", "", "- Trained: elsewhere, on unknown pictures"]
    lines += _list(
        {
            "File": f"{imported.get('file')} ({imported.get('format')})",
            "SHA-256": imported.get("sha256"),
            **chosen,
            "Outputs": ", ".join(map(str, imported.get("outputs") or [])) or None,
            "What works": imported.get("works"),
        }
    )
    tries = as_dicts(imported, "tries")
    if not tries:
        return lines
    lines += [
        "",
        f"## Tries on {imported.get('tried_on')}",
        "",
        "| input | order of classes | accuracy | images |",
        "|---|---|---|---|",
    ]
    return lines + [
        f"| {row['input']} | {row['order']} | {row['accuracy']:.1%} | {row['images']:,} |" for row in tries
    ]


def _all_figures(card: dict[str, Any]) -> list[str]:
    lines = []
    for split, figures in card.get("figures", {}).items():
        if figures.keys() >= _FIGURES:  # others come from elsewhere
            lines += ["", f"## Figures on {split}", "", *_figures(figures)]
    return lines


def epochs_in_words(card: dict[str, Any]) -> str | None:
    """Return the epochs of the training, such as "100", or "3 x 100" for an ensemble; None if unknown."""
    each = [as_int(as_dict(member, "training").get("epochs")) for member in as_dicts(card, "members")]
    if len(each) > 1 and None not in each:
        return f"{len(each)} x {each[0]}" if len(set(each)) == 1 else " + ".join(map(str, each))
    epochs = as_int(as_dict(card, "training").get("epochs"))
    return None if epochs is None else str(epochs)


def _steps(card: dict[str, Any]) -> list[str]:
    """Return the effect of each step after training on the figures on validation."""
    steps = card.get("steps")
    if not steps:
        return []
    final = card.get("figures", {}).get("validation", {})
    rows = {
        "Accuracy with one view": steps.get("accuracy_one_view"),
        "Accuracy in float32": steps.get("accuracy_before_quantisation"),
        "Accuracy of the inference file": final.get("accuracy"),
        "Images to which the inference file gives another label than the Keras model": steps.get(
            "other_labels_after_quantisation"
        ),
        "Largest difference of a probability between the two": steps.get(
            "largest_difference_after_quantisation"
        ),
        "Calibration error before the temperature": steps.get("calibration_error_before_temperature"),
        "Calibration error of the inference file": final.get("calibration_error"),
    }
    return [
        "",
        "## Steps after training, on validation",
        "",
        *_list({name: f"{value:.2%}" for name, value in rows.items() if value is not None}),
    ]


def _views(card: dict[str, Any]) -> str:
    views = ["the image"] + ["its enlarged middle"] * bool(card.get("zoom"))
    return " and ".join(views) + (", each with its mirror image" if card.get("mirror") else "")


def _list(values: dict[str, Any]) -> list[str]:
    return [f"- {name}: {value}" for name, value in values.items() if value is not None]


def _count(value: Any) -> str | None:
    return None if value is None else f"{value:,}"


def _figures(figures: dict[str, Any]) -> list[str]:
    low, high = figures["accuracy_ci95"]
    lines = [
        f"- Accuracy {figures['accuracy']:.2%} (95% interval {low:.2%} to {high:.2%}) on "
        f"{figures['count']:,} images"
    ]
    if figures.get("truth") == "votes":
        lines.append(
            "- Compared with the majority of the FER+ votes, single votes dropped; images without a majority "
            "are left out."
        )
    clean = figures.get("without_leaked") if figures.get("leaked") else None
    if clean:
        lines.append(
            f"- {clean['accuracy']:.2%} ({clean['accuracy_ci95'][0]:.2%} to {clean['accuracy_ci95'][1]:.2%}) "
            f"without the {plural(figures['leaked'], 'image')} that also "
            f"{'occurs' if figures['leaked'] == 1 else 'occur'} in the training split"
        )
    lines.append(f"- Macro F1 {figures['macro_f1']:.3f}")
    if "calibration_error" in figures:
        lines.append(f"- Expected calibration error {figures['calibration_error']:.2%} (15 bins)")
    head = "| class | precision | recall | F1 | images |"
    lines += [
        "",
        head + (" F1 without copies |" if clean else ""),
        "|---|---|---|---|---|" + ("---|" if clean else ""),
    ]
    for name, row in figures["per_class"].items():
        line = (
            f"| {name} | {row['precision']:.1%} | {row['recall']:.1%} | {row['f1']:.3f} | "
            f"{row['support']:,} |"
        )
        lines.append(line + (f" {clean['per_class'][name]['f1']:.3f} |" if clean else ""))
    return lines
