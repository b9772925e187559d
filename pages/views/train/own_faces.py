"""Own data in a minute: collect faces of some classes, let a model learn them in memory, try it, and save them if they are worth it."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core import few_shot
from fer_core.bundle import MODELS_DIR, PHOTO_MODEL, Bundle, read_bundle
from fer_core.data.own_faces import save_faces
from fer_core.emotions import EMOJI, NAMES
from pages.shared import charts, faces, interval_chart, results, scoreboard, state, visitor
from pages.training.collection import Collection, collection

_FEW = 10  # faces a class; with fewer, the page says what the figure is worth
_PER_PAGE = 24
_MODEL, _LEARNED_FROM, _SAVED = "own_model_learned", "own_learned_from", "own_saved"
_UPLOAD, _CAMERA = "Upload", "Camera"


def show() -> None:
    """The section, from choosing classes to saving the faces."""
    st.markdown(
        "Show a model a few faces of each expression, and it learns them in a second. Photos are not kept at all, and the faces cut "
        "from them only in this session's memory: **nothing is written to disk unless you save it**."
    )
    with state.errors_shown():
        labels, bundle = _choose()
        box = collection()
        if len(labels) < 2:
            st.info(
                "Choose at least two expressions: with one there is nothing to tell apart.",
                icon=":material/checklist:",
            )
        else:
            _collect(box, labels, bundle)
            _learn(box, labels, bundle)
        _save(box, labels)


def _choose() -> tuple[list[str], Bundle]:
    st.subheader("1. What to tell apart")
    options = state.models()
    first = str(MODELS_DIR / PHOTO_MODEL)
    if st.session_state.get("own_start") not in options:  # the first time, or the model was removed meanwhile
        st.session_state["own_start"] = first if first in options else next(iter(options), None)
    chosen = st.pills(
        "Expressions",
        NAMES,
        selection_mode="multi",
        default=["happy", "surprise", "neutral"],
        format_func=_titled,
        key="own_classes",
        persist_state="session",
    )
    path = st.selectbox(
        "Model to start from",
        list(options),
        format_func=options.__getitem__,
        key="own_start",
        persist_state="session",
        help="It stays as it is. What is learned is how its last step should answer differently.",
    )
    return [name for name in NAMES if name in chosen], read_bundle(Path(path))


def _titled(label: str) -> str:
    return f"{EMOJI[label]} {label}"


def _collect(box: Collection, labels: list[str], bundle: Bundle) -> None:
    st.subheader("2. Collect faces")
    if st.session_state.get("own_label") not in labels:
        st.session_state["own_label"] = labels[0]
    label = st.segmented_control(
        "Add faces to", labels, required=True, format_func=_titled, key="own_label", persist_state="session"
    )
    way = st.segmented_control(
        "Faces from",
        [_UPLOAD, _CAMERA],
        default=_UPLOAD,
        required=True,
        key="own_way",
        label_visibility="collapsed",
        persist_state="session",
    )
    # With a new key for each picture the box is empty again and drops what it held.
    turn = st.session_state.setdefault("own_turn", 0)
    if way == _CAMERA:
        snapshot = st.camera_input(
            f"A snapshot of a face that looks {label}", key=f"own_camera_{turn}", width=480
        )
        pictures = [("the snapshot", snapshot.getvalue())] if snapshot else []
    else:
        uploads = st.file_uploader(
            f"Photos with faces that look {label}",
            type=results.UPLOAD_TYPES,
            max_upload_size=visitor.upload_megabytes(results.UPLOAD_MEGABYTES),
            accept_multiple_files=True,
            key=f"own_photos_{turn}",
        )
        pictures = [(upload.name, upload.getvalue()) for upload in uploads]
    if pictures:
        with st.spinner("Looking for faces ..."):
            box.add_pictures(label, pictures, bundle)
        st.session_state["own_turn"] += 1
        st.rerun()
    _notes(box)
    for name in labels:
        _gallery(box, name)
    if left := sorted({face.label for face in box.faces} - set(labels), key=NAMES.index):
        st.caption(
            f"Faces of {', '.join(left)} are kept, but not used: choose the expression again to use them."
        )


def _notes(box: Collection) -> None:
    """What has just happened, and what to do with pictures in which no face was found."""
    icons = {"success": ":material/check:", "warning": ":material/info:", "error": ":material/broken_image:"}
    for kind, sentence in box.notes:
        {"success": st.success, "warning": st.warning, "error": st.error}[kind](sentence, icon=icons[kind])
    box.notes.clear()
    if not box.without_face:
        return
    names = [name for name, _, _ in box.without_face]
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    with st.container(border=True):
        st.markdown(
            f":material/search_off: No face was found in {some}. If a picture is one cropped face, take the whole picture."
        )
        with st.container(horizontal=True):
            st.button(
                "Take the whole picture" if len(names) == 1 else f"Take the {len(names)} whole pictures",
                key="own_take_whole",
                icon=":material/crop_free:",
                on_click=box.take_whole,
            )
            st.button("Leave out", key="own_leave_out", on_click=box.without_face.clear)


def _gallery(box: Collection, label: str) -> None:
    found = box.of(label)
    with st.container(border=True):
        st.markdown(
            f"**{_titled(label)}**: "
            + ("no face yet" if not found else f"{len(found)} {'face' if len(found) == 1 else 'faces'}")
        )
        if not found:
            return
        pages = -(-len(found) // _PER_PAGE)
        page = st.pagination(pages, key=f"own_page_{label}_{pages}") if pages > 1 else 1
        with st.container(horizontal=True, gap="small"):
            for face in found[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
                with st.container(width=64, gap=None, horizontal_alignment="center"):
                    st.image(face.crop, width=64, alt=f"face {face.number}, {label}")
                    st.button(
                        ":material/close:",
                        help="Remove this face",
                        type="tertiary",
                        key=f"own_remove_{face.number}",
                        on_click=box.remove,
                        args=(face.number,),
                    )


def _learn(box: Collection, labels: list[str], bundle: Bundle) -> None:
    st.subheader("3. Learn")
    missing = [name for name in labels if not box.of(name)]
    chosen = (str(bundle.path), *((face.number, face.label) for face in box.faces if face.label in labels))
    if st.button(
        "Learn from these faces",
        type="primary",
        icon=":material/bolt:",
        disabled=bool(missing),
        key="own_learn",
    ):
        with st.spinner("Learning ..."), state.errors_shown():
            st.session_state[_MODEL] = few_shot.learn(state.extractor(bundle), *box.arrays(labels))
        st.session_state[_LEARNED_FROM] = chosen
    if missing:
        st.caption(f"Still without a face: {', '.join(missing)}.")
    model: few_shot.FewShotModel | None = st.session_state.get(_MODEL)
    if model is None:
        return
    if st.session_state[_LEARNED_FROM] != chosen:
        st.info("Faces or choices have changed since: learn again to use them.", icon=":material/update:")
    _measured(model)
    _try(model)


def _measured(model: few_shot.FewShotModel) -> None:
    old_name = model.extractor.bundle.name
    count = sum(model.faces.values())
    st.markdown(
        f"Learned {', '.join(f'{name} ({n})' for name, n in model.faces.items())} from {count} faces."
    )
    figures = model.comparison
    if figures is None:
        st.info(
            "How good it is cannot be told yet: that needs two faces or more of each expression, one to learn from and one to test with.",
            icon=":material/straighten:",
        )
        return
    look = interval_chart.Look("Accuracy with its 95 % interval", scoreboard.colours()["labels"])
    rows = [
        interval_chart.Row(
            name,
            f"{score.right} of {score.count}",
            (interval_chart.Dot(look, score.accuracy, score.interval),),
        )
        for name, score in (("After learning", figures.new), (f"{old_name} as it was", figures.old))
    ]
    st.plotly_chart(interval_chart.interval_chart(rows), config=charts.CONFIG, key="own_accuracy")
    low, high = figures.new.interval
    st.markdown(
        f"Of faces that it had not learned from, the new model named **{figures.new.accuracy:.0%}** rightly ({low:.0%} to {high:.0%}); "
        f"{old_name} named {figures.old.accuracy:.0%} of them, choosing among the same expressions. "
        f"{figures.gained} became right and {figures.lost} became wrong."
    )
    st.caption(
        "Each face was named by a model that had learned from the others (cross-validation). "
        "Snapshots taken one after another resemble each other, so expect less of other people and in other light."
    )
    if few := [name for name, n in model.faces.items() if n < _FEW]:
        st.warning(
            f"Fewer than {_FEW} faces of {', '.join(few)}: the interval spans {100 * (high - low):.0f} points, so this is an impression and no "
            "measurement yet.",
            icon=":material/warning:",
        )


def _try(model: few_shot.FewShotModel) -> None:
    st.subheader("4. Try it")
    way = st.segmented_control(
        "Try it with",
        [_UPLOAD, _CAMERA],
        default=_UPLOAD,
        required=True,
        key="own_try_way",
        label_visibility="collapsed",
        persist_state="session",
    )
    if way == _CAMERA:
        picture = st.camera_input("A snapshot to try it with", key="own_try_camera", width=480)
    else:
        picture = st.file_uploader(
            "A photo to try it with",
            type=results.UPLOAD_TYPES,
            max_upload_size=visitor.upload_megabytes(results.UPLOAD_MEGABYTES),
            key="own_try_photo",
        )
    if picture is None:
        return
    name = "the snapshot" if way == _CAMERA else picture.name
    found = None
    with state.errors_shown(stop=False):
        _, found = results.classify(name, picture.getvalue(), model.extractor.bundle)
    if found is None:
        return
    if not found:
        st.info(
            f"No face was found in {name}: try another picture, closer and with more light.",
            icon=":material/search_off:",
        )
        return
    for face in found:
        new, old = model.compare(face.crop[None])
        with st.container(border=True):
            crop, left, right = st.columns([1, 3, 3])
            crop.image(face.crop, width=96, alt="the 48 by 48 grey picture that the model saw")
            for column, title, row in (
                (left, "After learning", new[0]),
                (right, f"{model.extractor.bundle.name} as it was", old[0]),
            ):
                with column:
                    st.markdown(f"**{title}**")
                    faces.probability_bars(
                        {label: float(p) for label, p in zip(model.labels, row, strict=True)}
                    )


def _save(box: Collection, labels: list[str]) -> None:
    if not box.faces:
        return
    st.subheader("5. Keep or forget")
    crops, names = box.arrays(labels)
    with st.container(border=True):
        name = st.text_input(
            "Name of the data set", "my-faces", max_chars=60, key="own_name", persist_state="session"
        )
        if st.button(
            f"Save these {len(names)} faces", icon=":material/save:", key="own_save", disabled=not names
        ):
            st.session_state.pop(_SAVED, None)
            with st.spinner("Saving ..."), state.errors_shown(stop=False):
                visitor.check_upload("The data set", crops.tobytes())
                st.session_state[_SAVED] = str(save_faces(state.own_folder(), name.strip(), crops, names))
        where = visitor.shown_path(state.own_folder())
        st.caption(
            f"Writes them as class folders below `{where}`. Photos are not saved, as they are no longer there."
        )
        if single := [label for label in dict.fromkeys(names) if names.count(label) == 1]:
            st.caption(
                f"A training holds faces out to choose the network by, and needs two or more of each expression: add to {', '.join(single)}."
            )
        if saved := st.session_state.get(_SAVED):
            _use(saved)
    st.button(
        "Forget everything",
        icon=":material/delete_forever:",
        key="own_forget",
        on_click=_forget,
        help="The faces and the model of this session; what you saved stays.",
    )


def _use(saved: str) -> None:
    if state.source() == saved:
        st.success(
            f"All pages work on {Path(saved).name}. Under “Set up” you can fine-tune the whole network on it.",
            icon=":material/database:",
        )
        return
    st.success(
        f"Saved in {visitor.shown_path(Path(saved))}. As the data set of all pages it can fine-tune the whole network: choose the model to start from under “Set up”.",
        icon=":material/check:",
    )
    if st.button("Use as data set", icon=":material/database:", key="own_use"):
        state.use_source(saved)
        st.rerun()


def _forget() -> None:
    """Drop the faces, the pictures that wait, the model and whatever the boxes hold; the choices stay."""
    turn = st.session_state.get("own_turn", 0)
    kept = {"own_classes", "own_start", "own_label", "own_way", "own_try_way", "own_name"}
    for key in [str(key) for key in st.session_state if str(key).startswith("own_") and key not in kept]:
        del st.session_state[key]
    st.session_state["own_turn"] = turn + 1
