"""Where a zstd frame ends, and what it promises, is read from its own bytes as the decompressor would."""

import struct

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.formats import archive, compression, zstd_frames
from drproof.formats.zstd_frames import Frames
from drproof.model.errors import FormatError
from tests.formats.archives import chunks, compressed

CONTENT = st.lists(st.binary(max_size=600) | st.integers(0, 300_000).map(lambda size: b"ab" * size), max_size=4)


def frame(parts, *, level=3, checksum=True, size=False, window_log=0):
    """Return one frame, flushed after each part, so that it has blocks of every kind and size."""
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, write_checksum=checksum, write_content_size=size, window_log=window_log
    )
    content = b"".join(parts)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=len(content) if size else -1)
    flushed = [packer.compress(part) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for part in parts]
    return b"".join(flushed) + packer.flush(), content


FRAMES = st.builds(
    frame,
    CONTENT,
    level=st.sampled_from([-5, 1, 3, 9]),
    checksum=st.booleans(),
    size=st.booleans(),
    window_log=st.sampled_from([0, 10, 18, 23]),
)


def skippable(content):
    return struct.pack("<II", 0x184D2A5F, len(content)) + content


def refused(data, step=1 << 16):
    with pytest.raises(FormatError) as caught:
        list(archive.zstd(chunks(data, step)))
    return caught.value.code, str(caught.value)


@settings(deadline=None, max_examples=60)
@given(st.lists(FRAMES, min_size=1, max_size=4), st.sampled_from([1, 3, 7, 1000, 1 << 16, 1 << 20]))
def test_a_frame_ends_where_the_decompressor_says_it_ends(made, step):
    frames = Frames(chunks(b"".join(data for data, _ in made), step if len(made[0][0]) < 5000 else max(step, 1000)))
    for data, content in made:
        assert frames.start()
        taken = b"".join(iter(frames.read, b""))
        frames.check_end()
        decompressor = zstandard.ZstdDecompressor().decompressobj()

        assert taken == data
        assert decompressor.decompress(taken) == content
        assert (decompressor.eof, decompressor.unused_data) == (True, b"")
    assert not frames.start()
    assert frames.seen.frames == len(made)


@settings(deadline=None, max_examples=60)
@given(FRAMES)
def test_the_window_is_the_one_that_the_library_reads(made):
    frames = Frames([made[0]])
    frames.start()

    assert frames.seen.window == zstandard.get_frame_parameters(made[0]).window_size
    assert bool(frames.seen.checksummed) == zstandard.get_frame_parameters(made[0]).has_checksum


def test_how_many_frames_have_a_checksum_is_a_fact_and_no_error():
    checked, unchecked = compressed(b"one"), compressed(b"two", checksum=False)
    for data, expected in {
        checked + checked: (2, 2, 0),
        checked + unchecked: (2, 1, 0),
        skippable(b"x") + unchecked + skippable(b""): (1, 0, 2),
    }.items():
        stream = archive.zstd([data])
        list(stream)

        assert (stream.seen.frames, stream.seen.checksummed, stream.seen.skippable) == expected


def test_a_window_beyond_the_limit_is_refused_before_memory_is_taken_for_it():
    data, _ = frame([b"x" * 100], window_log=28)

    code, message = refused(data)
    assert code == "archive-compression"
    assert message == f"frame 1 asks for a window of {1 << 28} bytes, expected at most {1 << 27}"
    within, content = frame([b"x" * 100], window_log=27)
    stream = archive.zstd([within])
    assert b"".join(stream) == content
    assert stream.seen.window == 1 << 27


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda data: data[:2], "the zstd stream ends in the header of frame 1"),
        (lambda data: data[:5], "the zstd stream ends in the header of frame 1"),
        (lambda data: data[:20], "the zstd stream ends inside frame 1"),
        (lambda data: data[:-5], "the zstd stream ends inside frame 1"),
        (lambda data: data[:-4], "the zstd stream ends before the checksum of frame 1"),
        (lambda data: data[:-1], "the zstd stream ends before the checksum of frame 1"),
        (lambda data: data + data[:20], "the zstd stream ends inside frame 2"),
        (lambda data: data + skippable(b"xyz")[:-1], "the zstd stream ends in the skippable frame 2"),
        (lambda data: data + skippable(b"xyz")[:6], "the zstd stream ends in the header of frame 2"),
        (lambda data: skippable(b""), "the zstd stream ends before its first frame"),
    ],
)
def test_a_stream_that_is_cut_says_where(spoil, message):
    data, _ = frame([bytes(range(256)) * 4])

    for step in (1, 1 << 16):
        assert refused(spoil(data), step) == ("archive-truncated", message)


def test_all_content_before_a_cut_is_given():
    data, content = frame([bytes([number]) * 1_000 for number in range(200)])
    stream = iter(archive.zstd(chunks(data[:-40], 100)))
    pieces: list[bytes] = []
    with pytest.raises(FormatError, match="ends inside frame 1"):
        pieces.extend(stream)
    found = b"".join(pieces)

    assert len(found) > len(content) - 10_000
    assert content.startswith(found)


def test_a_source_that_fails_says_so_through_the_decompressor():
    data, _ = frame([bytes([number]) * 1_000 for number in range(200)])

    def broken():
        yield data[: len(data) // 2]
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError, match="cut"):
        list(archive.zstd(broken()))


def test_blocks_that_hold_nothing_are_a_bomb_of_time(monkeypatch):
    monkeypatch.setattr(zstd_frames, "FREE_BLOCKS", 100)
    raw_block_of_nothing = b"\0\0\0"
    head = compressed(b"x")[:4] + b"\0\x58"

    assert refused(head + raw_block_of_nothing * 1_000)[0] == "archive-limit"
    assert refused(skippable(b"") * 1_000 + compressed(b"x"))[0] == "archive-limit"
    assert refused(compressed(b"") * 1_000)[0] == "archive-limit"
    assert list(archive.zstd([head + raw_block_of_nothing * 90 + b"\1\0\0"])) == []


def test_a_piece_is_bounded_whatever_a_block_claims():
    """One block of four bytes is 128 KiB of content: a chunk of a mebibyte would be 32 GiB at once."""
    head = compressed(b"x")[:4] + b"\0\x58"
    rle = ((131_072 << 3) | 2).to_bytes(3, "little") + b"x"
    stream = iter(archive.zstd([head + rle * (1 << 18)]))

    assert max(len(next(stream)) for _ in range(8)) <= compression.PIECE
