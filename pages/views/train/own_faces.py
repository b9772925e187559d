"""Your faces: collect faces of some classes, fit a model to them in memory, try it, and save the faces."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.adaptation import few_shot
from fer_core.bundles.bundle import MODELS_DIR, PHOTO_MODEL, Bundle, read_bundle
from fer_core.data.own_faces import save_faces
from fer_core.emotions import EMOJI, NAMES
from fer_core.wording import plural
from pages.session import cached_models, data_source, model_choice, visitor
from pages.session.errors import errors_shown
from pages.session.foreign_text import code, plain
from pages.widgets import camera, charts, faces, interval_chart, photo_results

from . import own_camera, photo_folder
from .face_collection import FaceCollection, current

_FEW = 10  # faces of a class, below which the page warns
_PER_PAGE = 24
_MODEL, _LEARNED_FROM, _SAVED = "own_model_learned", "own_learned_from", "own_saved"
_UPLOAD, _CAMERA = "Upload", "Camera"
_FACES, _FOLDER = "A few faces", "A folder of photos"


def show() -> None:
    """Draw the steps, from the choice of classes to saving the faces; or the form for a folder of photos."""
    way = st.segmented_control(
        "Learn from",
        [_FACES, _FOLDER],
        default=_FACES,
        required=True,
        key="own_learn_from",
        label_visibility="collapsed",
        persist_state="session",
    )
    if way == _FOLDER:
        photo_folder.show()
        return
    st.markdown(
        "Show a model a few faces of each expression, and it learns them in a second. Photos are "
        "discarded, and the faces cut from them stay in the memory of this session: **nothing is written "
        "to disk unless you save it**."
    )
    with errors_shown():
        labels, bundle = _choose()
        collection = current()
        if len(labels) < 2:
            st.info(
                "Choose at least two expressions.",
                icon=":material/checklist:",
            )
        else:
            _collect(collection, labels, bundle)
            _learn(collection, labels, bundle)
        _save(collection, labels)


def _choose() -> tuple[list[str], Bundle]:
    st.subheader("1. Choose expressions")
    options = model_choice.options()
    first = str(MODELS_DIR / PHOTO_MODEL)
    if st.session_state.get("own_start") not in options:  # at first, or after the model was removed
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
        help="The model itself stays as it is: only a new last layer is fitted.",
    )
    return [name for name in NAMES if name in chosen], read_bundle(Path(path))


def _titled(label: str) -> str:
    return f"{EMOJI[label]} {plain(label)}"


def _collect(collection: FaceCollection, labels: list[str], bundle: Bundle) -> None:
    st.subheader("2. Collect faces")
    if st.session_state.get("own_label") not in labels:
        st.session_state["own_label"] = labels[0]
    label = st.segmented_control(
        "Add faces to", labels, required=True, format_func=_titled, key="own_label", persist_state="session"
    )
    assert label is not None  # required, and chosen above
    origin = st.segmented_control(
        "Faces from",
        [_UPLOAD, _CAMERA],
        default=_UPLOAD,
        required=True,
        key="own_way",
        label_visibility="collapsed",
        persist_state="session",
    )
    # A new key for each photo clears the uploader and frees its memory.
    turn = st.session_state.setdefault("own_turn", 0)
    pictures: list[tuple[str, bytes]] = []
    if origin == _CAMERA:
        if camera.available():
            own_camera.show(collection, label, bundle, st.session_state.get(_MODEL))
    else:
        uploads = st.file_uploader(
            f"Photos with faces that look {plain(label)}",
            max_upload_size=visitor.upload_megabytes(photo_results.UPLOAD_MEGABYTES),
            accept_multiple_files=True,
            key=f"own_photos_{turn}",
        )
        pictures = [(upload.name, upload.getvalue()) for upload in uploads]
    if pictures:
        with st.spinner("Looking for faces ..."):
            collection.add_pictures(label, pictures, bundle)
        st.session_state["own_turn"] += 1
        st.rerun()
    _notes(collection)
    for name in labels:
        _gallery(collection, name)
    if left := sorted({face.label for face in collection.faces} - set(labels), key=NAMES.index):
        st.caption(
            f"Faces of {plain(', '.join(left))} are kept but not used: choose the expression again "
            "to use them."
        )


def _notes(collection: FaceCollection) -> None:
    """Draw the messages, and the choice for photos in which no face was found."""
    icons = {"success": ":material/check:", "warning": ":material/info:", "error": ":material/broken_image:"}
    for kind, sentence in collection.notes:
        {"success": st.success, "warning": st.warning, "error": st.error}[kind](sentence, icon=icons[kind])
    collection.notes.clear()
    if not collection.without_face:
        return
    names = [name for name, _, _ in collection.without_face]
    some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    with st.container(border=True):
        st.markdown(
            f":material/search_off: No face was found in {plain(some)}. If a photo is one cropped face, add "
            "the whole photo."
        )
        with st.container(horizontal=True):
            st.button(
                "Add the whole photo" if len(names) == 1 else f"Add the {len(names)} whole photos",
                key="own_take_whole",
                icon=":material/crop_free:",
                on_click=collection.take_whole,
            )
            st.button("Ignore", key="own_leave_out", on_click=collection.without_face.clear)


def _gallery(collection: FaceCollection, label: str) -> None:
    faces_of_label = collection.of(label)
    with st.container(border=True):
        st.markdown(
            f"**{_titled(label)}**: "
            + ("no face yet" if not faces_of_label else plural(len(faces_of_label), "face"))
        )
        if not faces_of_label:
            return
        pages = -(-len(faces_of_label) // _PER_PAGE)
        page = st.pagination(pages, key=f"own_page_{label}_{pages}") if pages > 1 else 1
        with st.container(horizontal=True, gap="small"):
            for face in faces_of_label[(page - 1) * _PER_PAGE : page * _PER_PAGE]:
                with st.container(width=64, gap=None, horizontal_alignment="center"):
                    st.image(face.crop, width=64, alt=f"face {face.number}, {label}")
                    st.button(
                        "Remove",
                        type="tertiary",
                        key=f"own_remove_{face.number}",
                        on_click=collection.remove,
                        args=(face.number,),
                    )


def _learn(collection: FaceCollection, labels: list[str], bundle: Bundle) -> None:
    st.subheader("3. Learn")
    missing = [name for name in labels if not collection.of(name)]
    chosen = (
        str(bundle.path),
        *((face.number, face.label) for face in collection.faces if face.label in labels),
    )
    pressed = st.button(
        "Learn from these faces",
        type="primary",
        icon=":material/bolt:",
        disabled=bool(missing),
        key="own_learn",
    )
    # Beside the camera the answer follows each burst, so that one sees what it has changed.
    if (own_camera.take_recorded() and not missing) or pressed:
        with st.spinner("Learning ..."), errors_shown():
            st.session_state[_MODEL] = few_shot.learn(
                cached_models.extractor(bundle), *collection.arrays(labels)
            )
        st.session_state[_LEARNED_FROM] = chosen
        if not pressed:
            st.rerun()  # the camera is drawn above, without the new model
    if missing:
        st.caption(f"No face yet: {plain(', '.join(missing))}.")
    model: few_shot.FewShotModel | None = st.session_state.get(_MODEL)
    if model is None:
        return
    if st.session_state[_LEARNED_FROM] != chosen:
        st.info("Faces or choices have changed: learn again to use them.", icon=":material/update:")
    _measured(model)
    _try(model)


def _measured(model: few_shot.FewShotModel) -> None:
    old_name = model.extractor.bundle.name
    count = sum(model.faces.values())
    st.markdown(
        f"Learned {', '.join(f'{plain(name)} ({n:d})' for name, n in model.faces.items())} from "
        f"{count} faces."
    )
    figures = model.comparison
    if figures is None:
        st.info(
            "The accuracy cannot be measured yet: this needs at least two faces of each expression, one "
            "for training and one for testing.",
            icon=":material/straighten:",
        )
        return
    style = interval_chart.MarkerStyle("Accuracy with its 95% interval", charts.truth_colours()["labels"])
    rows = [
        interval_chart.Row(
            name,
            f"{score.right} of {score.count}",
            (interval_chart.Point(style, score.accuracy, score.interval),),
        )
        for name, score in (("After learning", figures.new), (f"{old_name} before", figures.old))
    ]
    st.plotly_chart(interval_chart.interval_chart(rows), config=charts.CONFIG, key="own_accuracy")
    low, high = figures.new.interval
    st.markdown(
        "On faces that it was not trained on, the accuracy of the new model is "
        f"**{figures.new.accuracy:.0%}** ({low:.0%} to {high:.0%}); that of {plain(old_name)}, limited to "
        f"the same expressions, is {figures.old.accuracy:.0%}. {figures.gained:,} became right and "
        f"{figures.lost:,} became wrong."
    )
    st.caption(
        "Each face was classified by a model trained on the others (cross-validation). Snapshots taken one "
        "after another are similar, so expect a lower accuracy for other people and other light."
    )
    if few := [name for name, n in model.faces.items() if n < _FEW]:
        st.warning(
            f"Fewer than {_FEW} faces of {plain(', '.join(few))}: the interval spans "
            f"{100 * (high - low):.0f} points, so this is a rough estimate only.",
            icon=":material/warning:",
        )


def _try(model: few_shot.FewShotModel) -> None:
    st.subheader("4. Try it")
    origin = st.segmented_control(
        "Try it with",
        [_UPLOAD, _CAMERA],
        default=_UPLOAD,
        required=True,
        key="own_try_way",
        label_visibility="collapsed",
        persist_state="session",
    )
    if origin == _CAMERA:
        picture = (
            st.camera_input("A snapshot to try it with", key="own_try_camera", width=480)
            if camera.available()
            else None
        )
    else:
        picture = st.file_uploader(
            "A photo to try it with",
            max_upload_size=visitor.upload_megabytes(photo_results.UPLOAD_MEGABYTES),
            key="own_try_photo",
        )
    if picture is None:
        return
    name = "the snapshot" if origin == _CAMERA else picture.name
    predictions = None
    with errors_shown(stop=False):
        predictions = photo_results.classify(name, picture.getvalue(), model.extractor.bundle).faces
    if predictions is None:
        return
    if not predictions:
        st.info(
            f"No face was found in {plain(name)}: try another photo, closer and with more light.",
            icon=":material/search_off:",
        )
        return
    for face in predictions:
        new, old = model.compare(face.crop[None])
        with st.container(border=True):
            crop, left, right = st.columns([1, 3, 3])
            crop.image(face.crop, width=96, alt=f"face in {name}")
            for column, title, row in (
                (left, "After learning", new[0]),
                (right, f"{model.extractor.bundle.name} before", old[0]),
            ):
                with column:
                    st.markdown(f"**{plain(title)}**")
                    faces.probability_bars(
                        {label: float(p) for label, p in zip(model.labels, row, strict=True)}
                    )


def _save(collection: FaceCollection, labels: list[str]) -> None:
    if not collection.faces:
        return
    st.subheader("5. Save or delete")
    crops, names = collection.arrays(labels)
    with st.container(border=True):
        name = st.text_input(
            "Name of the data set", "my-faces", max_chars=60, key="own_name", persist_state="session"
        )
        if st.button(
            f"Save {plural(len(names), 'face')}", icon=":material/save:", key="own_save", disabled=not names
        ):
            st.session_state.pop(_SAVED, None)
            with st.spinner("Saving ..."), errors_shown(stop=False):
                visitor.check_upload("The data set", crops.tobytes())
                st.session_state[_SAVED] = str(
                    save_faces(data_source.own_folder(), name.strip(), crops, names)
                )
        where = visitor.shown_path(data_source.own_folder())
        st.caption(f"Writes them as class folders to {code(where)}. Photos are not saved.")
        if single := [label for label in dict.fromkeys(names) if names.count(label) == 1]:
            st.caption(
                "Training needs a validation split, so at least two faces of each expression: add to "
                f"{plain(', '.join(single))}."
            )
        if saved := st.session_state.get(_SAVED):
            _use(saved)
    st.button(
        "Delete everything",
        icon=":material/delete_forever:",
        key="own_forget",
        on_click=_forget,
        help="Deletes the faces and the model of this session; saved faces stay.",
    )


def _use(saved: str) -> None:
    if data_source.current() == saved:
        st.success(
            f"All pages now use {plain(Path(saved).name)}. Under “Set up” you can fine-tune the whole "
            "network on it.",
            icon=":material/database:",
        )
        return
    st.success(
        f"Saved in {plain(visitor.shown_path(Path(saved)))}. As the data set of all pages, it can be used to "
        "fine-tune the whole network: choose the model to start from under “Set up”.",
        icon=":material/check:",
    )
    if st.button("Use as data set", icon=":material/database:", key="own_use"):
        data_source.choose(saved)
        st.rerun()


def _forget() -> None:
    """Delete faces, waiting photos, the model and the contents of the boxes; the choices stay."""
    turn = st.session_state.get("own_turn", 0)
    stays = {"own_classes", "own_start", "own_label", "own_way", "own_try_way", "own_name"}
    for key in [str(key) for key in st.session_state if str(key).startswith("own_") and key not in stays]:
        del st.session_state[key]
    st.session_state["own_turn"] = turn + 1
