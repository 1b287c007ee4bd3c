"""The frames of a zstd stream are walked as a decoder walks them, however the stream is cut."""

import random

import pytest
import zstandard

from drproof.formats.zstd_frames import Frame, Walker
from drproof.model.errors import FormatError

CHANCE = random.Random(7)
NOISE = CHANCE.randbytes(300_000)
SAME = b"\0" * 500_000


def frame(body: bytes, *, checksum: bool = True, sized: bool = True, level: int = 3) -> bytes:
    made = zstandard.ZstdCompressor(level=level, write_checksum=checksum, write_content_size=sized)
    if sized:
        return made.compress(body)
    stream = made.compressobj()
    return stream.compress(body) + stream.flush()


def walked(data: bytes, *, step: int = 1 << 20) -> list[Frame]:
    walker = Walker()
    frames = [one for at in range(0, len(data), step) for one in walker.feed(data[at : at + step])]
    walker.end()
    return frames


BODIES = {"nothing": b"", "a byte": b"x", "text": b"abc" * 100, "noise": NOISE, "zeros": SAME, "both": SAME + NOISE}


@pytest.mark.parametrize("sized", [True, False])
@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_frame_is_what_its_header_says(body, checksum, sized):
    data = frame(body, checksum=checksum, sized=sized)
    parameters = zstandard.get_frame_parameters(data)

    (found,) = walked(data)
    assert (found.offset, found.size) == (0, len(data))
    assert found.has_checksum is checksum is parameters.has_checksum
    assert found.window == parameters.window_size
    assert found.content_size == (None if parameters.content_size == zstandard.CONTENTSIZE_UNKNOWN else len(body))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 4096])
def test_many_frames_are_found_wherever_the_stream_is_cut(step):
    skippable = (0x184D2A53).to_bytes(4, "little") + (9).to_bytes(4, "little") + b"\xff" * 9
    parts = [frame(NOISE[:9000]), skippable, frame(SAME[:70_000], checksum=False, sized=False), frame(b"end")]
    frames = walked(b"".join(parts), step=step)

    starts = [sum(map(len, parts[:number])) for number in (0, 2, 3)]
    assert [(one.offset, one.has_checksum) for one in frames] == list(zip(starts, [True, False, True], strict=True))
    assert [one.size for one in frames] == [len(parts[0]), len(parts[2]), len(parts[3])]


def test_a_long_window_is_told():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()

    (found,) = walked(stream.compress(NOISE) + stream.flush())
    assert found.window == 1 << 27


@pytest.mark.parametrize("cut", [1, 3, 5, 8, 100, -1])
def test_a_stream_that_ends_inside_a_frame_is_refused(cut):
    with pytest.raises(FormatError) as caught:
        walked(frame(NOISE)[:cut])
    assert caught.value.code == "zstd-frame"


@pytest.mark.parametrize(
    "data",
    [
        b"\x1f\x8b\x08\x00" + b"\0" * 20,
        frame(b"abc") + b"tail",
        b"\x28\xb5\x2f\xfd\x08\x00\x01\x00\x00",
        b"\x28\xb5\x2f\xfd\x20\x01\x0f\x00\x00x",
    ],
    ids=["gzip", "something after the last frame", "a reserved bit", "a reserved kind of block"],
)
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(FormatError) as caught:
        walked(data)
    assert caught.value.code == "zstd-frame"


def test_an_empty_stream_has_no_frame():
    assert walked(b"") == []
