"""Nearly valid inputs: cut, repeated, with changed bytes and numbers.

In a zip also its members, with valid checksums.
"""

from __future__ import annotations

import io
import zipfile

from hypothesis import strategies as st

from .targets import Target

_NUMBERS = (
    b"\0",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x80",
    b"\xff" * 8,
)


@st.composite
def inputs(draw: st.DrawFn, target: Target, seeds: list[bytes]) -> bytes:
    """A strategy of inputs of a target."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=300))
    seed = draw(st.sampled_from(seeds))
    if target.packed and kind < 6:
        return draw(_repacked(target, seed))
    return draw(_changed(target, seed))


@st.composite
def _changed(draw: st.DrawFn, target: Target, seed: bytes) -> bytes:
    data = bytearray(seed)
    for _ in range(draw(st.integers(1, 5))):
        # The start and the end matter most to a parser, so half of the changes are there.
        at = draw(
            st.one_of(
                st.integers(0, min(200, len(data))),
                st.integers(max(0, len(data) - 200), len(data)),
                st.integers(0, len(data)),
            )
        )
        match draw(st.sampled_from(["byte", "bit", "token", "over", "cut", "drop", "twice"])):
            case "byte" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "bit" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "token":
                data[at:at] = draw(st.sampled_from((*target.tokens, *_NUMBERS)))
            case "over":
                new = draw(st.sampled_from((*target.tokens, *_NUMBERS)))
                data[at : at + len(new)] = new
            case "cut":
                del data[at:]
            case "drop":
                del data[at : at + draw(st.integers(1, 64))]
            case "twice":
                data[at:at] = data[at : at + draw(st.integers(1, 256))]
    return bytes(data)


@st.composite
def _repacked(draw: st.DrawFn, target: Target, seed: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(seed)) as archive:
        members = [(member.filename, archive.read(member)) for member in archive.infolist()]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(members) - 1))
        name, content = members[at]
        match draw(st.sampled_from(["content", "content", "content", "name", "leave out", "twice"])):
            case "content":
                members[at] = name, draw(_changed(target, content))
            case "name":
                members[at] = (
                    draw(
                        st.one_of(
                            st.text(max_size=12),
                            st.sampled_from(
                                ["../x.png", "/etc/x.csv", "C:\\x.png", "a/../../b.npy", ".", "con"]
                            ),
                        )
                    ),
                    content,
                )
            case "leave out" if len(members) > 1:
                del members[at]
            case "twice":
                members.append(members[at])
    buffer = io.BytesIO()
    import warnings

    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(
            buffer, "w", draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
        ) as archive,
    ):
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name or "x"), content)
    return buffer.getvalue()
