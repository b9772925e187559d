"""The network builder: blocks are added, moved, removed and sized; what does not fit is said at its block."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fer_core.presets import PRESETS
from fer_core.zoo.families import as_blocks
from fer_core.zoo.python_code import python_code
from fer_core.zoo.summary import summary
from pages.views.train import builder

pytestmark = pytest.mark.long

QUICK = as_blocks(PRESETS["quick"].config.model)  # conv pool conv pool conv pool flatten dense


def page() -> None:
    import streamlit as st

    from fer_core.presets import PRESETS
    from pages.views.train import builder

    preset = PRESETS[st.session_state.get("preset", "quick")]
    st.session_state["given"] = preset.config.model
    st.session_state["made"] = builder.show(preset.config.model, st.session_state.get("key", preset.name))


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(page, default_timeout=60).run()


def made(app: AppTest) -> list[dict[str, Any]]:
    """The blocks of the network that the builder hands on."""
    assert not app.exception and app.session_state["made"] is not None
    return as_blocks(app.session_state["made"])


def kinds(blocks: list[dict[str, Any]]) -> str:
    return " ".join(block["type"] for block in blocks)


def select(app: AppTest, own_id: int, key: str = "quick") -> AppTest:
    """The page after a click on this block in the drawing."""
    draft = app.session_state[f"builder_{key}_draft"]
    draft.select([row_id for row_id, _ in draft.rows].index(own_id))
    return app.run()


def press(app: AppTest, what: str, own_id: int | None = None) -> AppTest:
    if own_id is None:
        return app.button(key=f"builder_quick_{what}").click().run()
    return select(app, own_id).button(key=f"builder_quick_{own_id}_{what}").click().run()


def drawn(app: AppTest) -> list[dict[str, Any]]:
    (drawing,) = app.get("bidi_component")
    return json.loads(drawing.proto.json)["cells"]


def add(app: AppTest, kind: str, place: Any = None) -> AppTest:
    app.selectbox(key="builder_quick_new").select(kind)
    if place is not None:
        app.selectbox(key="builder_quick_place").select(place)
    app.run()
    return press(app, "add")


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.caption])


def test_nothing_changed_hands_the_preset_on(app: AppTest) -> None:
    assert app.session_state["made"] is app.session_state["given"] and made(app) == QUICK
    assert app.button(key="builder_quick_reset").disabled and not app.error


def test_the_network_is_drawn_with_the_outputs_of_its_blocks(app: AppTest) -> None:
    assert [(cell["title"], cell["shape"]) for cell in drawn(app)] == [
        ("Image", "48 x 48 x 1"),
        ("1 Conv", "48 x 48 x 32"),
        ("2 Pool", "24 x 24 x 32"),
        ("3 Conv", "24 x 24 x 64"),
        ("4 Pool", "12 x 12 x 64"),
        ("5 Conv", "12 x 12 x 128"),
        ("6 Pool", "6 x 6 x 128"),
        ("7 Flatten", "4,608"),
        ("8 Dense", "128"),
        ("Classes", "7"),
    ]
    heights = [cell["height"] for cell in drawn(app)[1:7:2]]
    assert heights == sorted(heights, reverse=True), "smaller maps are drawn smaller"


def test_the_settings_of_the_clicked_block_are_shown(app: AppTest) -> None:
    assert "**1  Conv**" in texts(app) and "**2  Pool**" not in texts(app)
    select(app, 2)
    assert "**3  Conv**" in texts(app) and "→ 24 x 24 x 64" in texts(app)
    filters = app.number_input(key="builder_quick_2_filters")
    assert (filters.value, filters.min, filters.max) == (
        64,
        1,
        2048,
    ) and "output channels" in filters.help
    assert select(app, 0).button(key="builder_quick_0_up").disabled
    assert select(app, 7).button(key="builder_quick_7_down").disabled
    assert not app.button(key="builder_quick_7_up").disabled
    names = {"_up": "Move up", "_down": "Move down", "_remove": "Remove"}
    assert all(app.button(key=f"builder_quick_7{key}").label == name for key, name in names.items())


def test_a_size_is_changed_and_the_summary_follows(app: AppTest) -> None:
    select(app, 2).number_input(key="builder_quick_2_filters").set_value(40)
    app.selectbox(key="builder_quick_2_activation").select("gelu")
    app.checkbox(key="builder_quick_2_bias").uncheck().run()
    expected = [*QUICK[:2], QUICK[2] | {"filters": 40, "activation": "gelu", "bias": False}, *QUICK[3:]]
    assert made(app) == expected and app.session_state["made"].family == "blocks"
    result = summary(expected)
    assert (
        f"**{len(result.layers)} layers**, **{result.parameters:,} parameters**, "
        f"**{result.multiply_adds:,} multiply-adds**" in texts(app)
    )
    assert list(app.dataframe[0].value["Parameters"]) == [
        row["parameters"] for row in result.layers
    ] and "→ 24 x 24 x 40" in texts(app)

    press(app, "reset")
    assert made(app) == QUICK and app.session_state["made"] is app.session_state["given"]
    assert app.button(key="builder_quick_reset").disabled


def test_blocks_are_moved_with_their_settings(app: AppTest) -> None:
    select(app, 2).number_input(key="builder_quick_2_filters").set_value(40).run()
    press(app, "up", 2)
    assert kinds(made(app)) == "conv conv pool pool conv pool flatten dense" and made(app)[1]["filters"] == 40
    assert "**2  Conv**" in texts(app), "a moved block stays selected"
    app.number_input(key="builder_quick_2_kernel").set_value(5).run()
    press(app, "down", 0)
    assert [(block["filters"], block["kernel"]) for block in made(app)[:2]] == [(40, 5), (32, 3)]
    press(app, "up", 0)
    press(app, "down", 2)
    assert made(app) == [*QUICK[:2], QUICK[2] | {"filters": 40, "kernel": 5}, *QUICK[3:]]


def test_what_does_not_fit_is_said_at_its_block(app: AppTest) -> None:
    press(app, "remove", 6)
    assert app.session_state["made"] is None
    assert [e.value for e in app.error] == [
        "Block 7 (dense) takes a vector, but receives a map of 6 x 6 x 128: "
        "put flatten or global pooling before it."
    ]
    assert drawn(app)[7] | {"wrong": True} == drawn(app)[7] and drawn(app)[8]["shape"] == "-"
    assert not app.code and not app.dataframe, "no summary and no code of a network that cannot be"
    add(app, "global_pooling")  # where it fits
    assert not app.error and kinds(made(app)) == "conv pool conv pool conv pool global_pooling dense"


def test_the_error_stands_right_below_the_row(app: AppTest) -> None:
    press(app, "up", 7)  # the dense block before the flatten
    select(app, 6)
    shown = [str(element.value) for element in app.main if element.type in ("markdown", "error")]
    order = [value for value in shown if value.startswith(("**7", "**8", "Block"))]
    assert (
        order[0] == "**7  Dense**" and order[1].startswith("Block 7 (dense)") and order[2] == "**8  Flatten**"
    )


def test_blocks_are_added_where_they_fit_or_where_one_says(app: AppTest) -> None:
    add(app, "residual")
    assert kinds(made(app)) == "conv pool conv pool conv pool residual flatten dense"
    add(app, "dropout")
    assert kinds(made(app)).endswith("flatten dense dropout")
    add(app, "standardise", 0)
    assert kinds(made(app)).startswith("standardise conv pool")
    add(app, "pool", builder._AT_THE_END)
    assert app.session_state["made"] is None and app.error[0].value.startswith("Block 12 (pool) takes a map")
    assert app.error[0].value.endswith("move it before block 9 (flatten).")
    add(app, "dropout")
    assert "**13  Dropout**" in texts(app), "still at the end"


def test_removing_everything_says_what_is_needed(app: AppTest) -> None:
    for own_id in range(8):
        press(app, "remove", own_id)
    assert app.session_state["made"] is None and app.error[0].value.startswith("The network has no blocks")
    add(app, "flatten")
    assert kinds(made(app)) == "flatten" and not app.error


def test_the_code_is_offered(app: AppTest) -> None:
    press(app, "remove", 1)
    assert app.code[0].value.strip() == python_code(made(app)).strip()
    assert app.get("download_button")[0].proto.label == "Download network.py"


def test_another_preset_brings_its_own_network_and_a_draft_waits(app: AppTest) -> None:
    press(app, "remove", 1)
    app.session_state["preset"] = "standard"
    app.run()
    assert (
        made(app) == as_blocks(PRESETS["standard"].config.model)
        and app.session_state["made"] is app.session_state["given"]
    )
    app.session_state["preset"] = "quick"
    app.run()
    assert kinds(made(app)) == "conv conv pool conv pool flatten dense"


def test_another_network_under_the_same_key_takes_the_place_of_the_draft(app: AppTest) -> None:
    app.session_state["key"] = "one"
    app.run()
    app.number_input(key="builder_one_0_filters").set_value(8).run()
    app.session_state["preset"] = "baseline-deep"
    app.run()
    assert made(app) == as_blocks(PRESETS["baseline-deep"].config.model)


def test_a_network_with_norms_and_dropout_opens(app: AppTest) -> None:
    app.session_state["preset"] = "baseline-batchnorm"
    app.run()
    assert not app.exception and not app.error and app.session_state["made"] is app.session_state["given"]
    select(app, 15, "baseline-batchnorm").number_input(key="builder_baseline-batchnorm_15_rate").set_value(
        0.4
    ).run()
    assert made(app)[15] == {"type": "dropout", "rate": 0.4}


def test_the_summary_of_any_network_without_the_builder() -> None:
    def alone() -> None:
        from fer_core.presets import PRESETS
        from pages.views.train import builder

        builder.summary_of(PRESETS["tiny"].config.model)

    app = AppTest.from_function(alone, default_timeout=60).run()
    result = summary(as_blocks(PRESETS["tiny"].config.model))
    assert not app.exception and f"**{result.parameters:,} parameters**" in app.markdown[0].value
    assert len(app.dataframe[0].value) == len(result.layers)
