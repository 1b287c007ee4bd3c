"""Archives are read whole or refused; what others make is understood, what is damaged never passes."""

import hashlib
import tarfile
import tracemalloc

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.formats import archive, compression
from drproof.model.errors import FormatError
from tests.formats.archives import END, chunks, compressed, entry, gzipped, header, members, padded, tar

FILES = {"a/one.json": b"1" * 700, "two": b"", "three.bin": bytes(range(256))}
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
WORD = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"), min_size=1, max_size=60)
NAMES = st.lists(WORD, min_size=1, max_size=4).map("/".join)
CONTENT = st.dictionaries(NAMES, st.binary(max_size=1500), min_size=1, max_size=5)


def code_of(data, **options):
    with pytest.raises(FormatError) as caught:
        members(data, **options)
    return caught.value.code


def listing(found):
    return {member.path: (member.size, member.sha256) for member in found}


def expected(files):
    return {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}


@settings(deadline=None, max_examples=60)
@given(CONTENT, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]), st.integers(1, 3000))
def test_what_tarfile_writes_is_listed_with_its_size_and_digest(files, form, step):
    assert listing(members(tar(files, form=form), step)) == expected(files)


@settings(deadline=None, max_examples=30)
@given(CONTENT, st.sampled_from([(compressed, archive.zstd), (gzipped, archive.gzip)]), st.integers(1, 300))
def test_compressed_archives_arrive_in_chunks_of_any_size(files, pair, step):
    pack, unpack = pair

    assert listing(archive.read(unpack(chunks(pack(tar(files)), step)))) == expected(files)


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_every_form_of_tar_is_understood(form):
    assert listing(members(tar(FILES, form=form))) == expected(FILES)


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
def test_long_names_are_whole(form):
    name = "d" * 90 + "/" + "e" * (60 if form == tarfile.USTAR_FORMAT else 300)

    assert [member.path for member in members(tar({name: b"x"}, form=form))] == [name]


def test_directories_links_and_devices_are_called_by_their_names():
    kinds = {
        "folder": tarfile.DIRTYPE,
        "hard": tarfile.LNKTYPE,
        "soft": tarfile.SYMTYPE,
        "char": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE,
        "pipe": tarfile.FIFOTYPE,
        "odd": b"Z",
    }
    found = members(tar({}, entries=[entry(name, kind, "x") for name, kind in kinds.items()]))

    assert {member.path.rstrip("/"): member.kind for member in found} == {
        "folder": "directory",
        "hard": "link",
        "soft": "symlink",
        "char": "device",
        "block": "device",
        "pipe": "fifo",
        "odd": "unknown",
    }


def test_a_size_in_base_256_and_a_size_in_an_extended_header_count():
    base = b"\x80" + (5).to_bytes(11, "big")
    assert members(header(b"f", base) + padded(b"hello") + END)[0].size == 5

    record = b"10 size=5\n"
    extended = header(b"x", b"%011o\0" % len(record), b"x") + padded(record)
    assert members(extended + header(b"f", b"00000000005\0") + padded(b"hello") + END)[0].size == 5

    record = b"19 size=8589934592\n"
    extended = header(b"x", b"%011o\0" % len(record), b"x") + padded(record)
    with pytest.raises(FormatError, match="ends 8589934080 bytes before the end of a member"):
        members(extended + header(b"f", b"00000000000\0") + b"x" * 512)


@pytest.mark.parametrize("size", ["²", "٣", "-5", "+5", "5.0", "0x5", " 5", "9" * 25, ""])
def test_a_size_that_is_no_plain_number_is_refused(size):
    value = f"size={size}\n".encode()
    record = b"%d %s" % (len(value) + 3, value)
    extended = header(b"x", b"%011o\0" % len(record), b"x") + padded(record)

    assert code_of(extended + header(b"f", b"00000000005\0") + padded(b"hello") + END) == "archive-header"


@pytest.mark.parametrize(
    "size",
    [
        b"-0000000005\0",
        b"0o000000005\0",
        b"000_0000005\0",
        b"+0000000005\0",
        b"00000000008\0",
        b"\xff" * 12,
        b"0000 000005\0",
    ],
)
def test_a_number_that_only_python_would_read_is_refused(size):
    assert code_of(header(b"f", size) + padded(b"hello") + END) == "archive-header"
    assert code_of(header(b"x", size, b"x") + padded(b"hello") + END) == "archive-header"


@pytest.mark.parametrize(
    "record",
    [
        b"8 size=5\n",
        b"11 size=5\n",
        b"size=5\n",
        b"10 size:5\n",
        b"-1 a=b\n",
        b"3 \n",
        b"99999999999 a=b\n",
        b"6 \xff=b\n",
    ],
)
def test_a_damaged_extended_header_is_refused(record):
    extended = header(b"x", b"%011o\0" % len(record), b"x") + padded(record)

    assert code_of(extended + header(b"f", b"00000000000\0") + END) == "archive-header"


def test_a_global_header_holds_for_all_and_an_extended_one_for_the_next():
    everywhere, once = b"13 path=all\n\n"[:12], b"12 path=one\n"
    data = header(b"g", b"%011o\0" % 12, b"g") + padded(everywhere.replace(b"13", b"12"))
    data += header(b"x", b"%011o\0" % 12, b"x") + padded(once)
    data += header(b"f", b"00000000000\0") + header(b"g", b"00000000000\0") + END

    assert [member.path for member in members(data)] == ["one", "all"]


def test_an_extended_header_before_nothing_is_refused():
    record = b"10 size=5\n"

    assert code_of(header(b"x", b"%011o\0" % len(record), b"x") + padded(record) + END) == "archive-header"


def test_a_name_that_is_not_utf8_or_empty_is_refused():
    assert code_of(header(b"\xff", b"00000000000\0") + END) == "archive-header"
    assert code_of(header(b"", b"00000000000\0") + END) == "archive-header"


def test_a_checksum_that_does_not_hold_is_refused():
    data = bytearray(tar({"f": b"x"}))
    data[0] ^= 1

    assert code_of(bytes(data)) == "archive-header"


@pytest.mark.parametrize(
    ("pack", "unpack"), [(compressed, archive.zstd), (gzipped, archive.gzip)], ids=["zstd", "gzip"]
)
def test_a_compressed_archive_that_ends_at_any_byte_too_early_is_refused(pack, unpack):
    data = pack(tar(FILES))

    for end in range(len(data)):
        with pytest.raises(FormatError) as caught:
            list(archive.read(unpack(chunks(data[:end], 64))))
        assert caught.value.code in {"archive-truncated", "archive-compression"}


def test_a_frame_without_checksum_that_ends_too_early_is_refused():
    data = compressed(tar(FILES), checksum=False)

    for end in range(len(data)):
        with pytest.raises(FormatError):
            list(archive.read(archive.zstd([data[:end]])))


def test_a_plain_tar_that_ends_before_its_two_empty_blocks_is_refused():
    data = tar({"f": b"x" * 600})
    end = len(header(b"f", b"")) + len(padded(b"x" * 600)) + len(END)

    for length in range(end):
        assert code_of(data[:length]) in {"archive-truncated", "archive-header"}
    assert len(members(data[:end])) == 1


@pytest.mark.parametrize(
    ("pack", "unpack"), [(compressed, archive.zstd), (gzipped, archive.gzip)], ids=["zstd", "gzip"]
)
def test_no_flipped_bit_passes_for_a_sound_archive_with_other_content(pack, unpack):
    data = pack(tar({"one": b"1" * 30, "two": b"two"}))
    plain, before = b"".join(unpack([data])), list(archive.read(unpack([data])))

    for number in range(8 * len(data)):
        spoiled = bytearray(data)
        spoiled[number // 8] ^= 1 << number % 8
        try:
            after = list(archive.read(unpack([bytes(spoiled)])))
        except FormatError:
            continue
        # A gzip header has a time and an operating system that say nothing about the content.
        assert after != before or b"".join(unpack([bytes(spoiled)])) == plain


def test_no_flipped_bit_of_a_header_or_of_content_passes_unnoticed():
    data = tar({"one": b"1" * 512})
    before = members(data)
    checksum = range(148 * 8, 156 * 8)

    for number in range(1024 * 8):
        if number in checksum:
            continue
        spoiled = bytearray(data)
        spoiled[number // 8] ^= 1 << number % 8
        try:
            assert members(bytes(spoiled)) != before, f"bit {number}"
        except FormatError:
            continue


def test_concatenated_frames_are_one_stream():
    data = tar(FILES)
    for pack, unpack in ((compressed, archive.zstd), (gzipped, archive.gzip)):
        stream = pack(data[:700]) + pack(b"") + pack(data[700:])
        for step in (1, 7, 4096, len(stream)):
            assert listing(archive.read(unpack(chunks(stream, step)))) == expected(FILES)
        with pytest.raises(FormatError):
            list(archive.read(unpack([pack(data[:700])])))
        with pytest.raises(FormatError):
            list(archive.read(unpack([stream + b"x"])))


@pytest.mark.parametrize("unpack", [archive.zstd, archive.gzip])
@pytest.mark.parametrize("nothing", [[], [b""], [b"", b""]])
def test_nothing_is_no_archive(unpack, nothing):
    with pytest.raises(FormatError) as caught:
        list(archive.read(unpack(nothing)))
    assert caught.value.code == "archive-truncated"
    with pytest.raises(FormatError):
        members(b"")
    assert members(END) == [], "an archive of nothing can be read; that it holds no file is for the contract"


def test_what_follows_the_end_or_stands_in_the_middle_is_refused():
    data = tar({"f": b"x"})

    assert code_of(data + tar({"hidden": b"y"})) == "archive-header"
    assert code_of(data + b"x") == "archive-header"
    assert code_of(data[:1024] + b"\0" * 512 + data) == "archive-header"
    assert len(members(data + b"\0" * 5000)) == 1


def test_text_that_is_no_compressed_stream_is_refused():
    for unpack in (archive.zstd, archive.gzip):
        with pytest.raises(FormatError) as caught:
            list(unpack([b"this is no archive at all"]))
        assert caught.value.code == "archive-compression"


def test_limits_hold_for_count_size_total_headers_and_paths():
    data = tar({"one": b"1" * 10, "two": b"2" * 10}, form=tarfile.USTAR_FORMAT)

    assert len(members(data, limits=archive.Limits(members=2, member_bytes=10, total_bytes=20, path_characters=3))) == 2
    for limits in (
        archive.Limits(members=1),
        archive.Limits(member_bytes=9),
        archive.Limits(total_bytes=19),
        archive.Limits(path_characters=2),
    ):
        assert code_of(data, limits=limits) == "archive-limit"
    long = tar({"n" * 300: b"x"}, form=tarfile.GNU_FORMAT)
    assert code_of(long, limits=archive.Limits(header_bytes=300)) == "archive-limit"
    assert len(members(long, limits=archive.Limits(header_bytes=301))) == 1
    endless = header(b"x", b"00000000000\0", b"g") * 3
    assert code_of(endless, limits=archive.Limits(members=2)) == "archive-limit"


def taken(data, limits=archive.LIMITS):
    """Return the paths that were listed before the archive was refused, and why it was."""
    listing = archive.Listing()
    with pytest.raises(FormatError) as caught:
        listing.extend(archive.rows([data], limits=limits))
    return [member.path for member in listing], str(caught.value)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (archive.Limits(members=3), "member 4 is one too many"),
        (archive.Limits(total_bytes=6), "member 4 ends at 10 bytes"),
        (archive.Limits(member_bytes=3), "member 4 ends at 10 bytes"),
        (archive.Limits(path_characters=3), "member 4 has a path of 4 characters"),
        (archive.Limits(all_paths_characters=9), "member 4 has a path of 4 characters"),
    ],
)
def test_a_limit_holds_at_its_member_however_many_are_read_at_once(limits, says):
    files = {"a.1": b"1", "a.2": b"12", "a.3": b"123", "a.44": b"1234", "a.5": b""}

    paths, reason = taken(tar(files, form=tarfile.USTAR_FORMAT), limits)

    assert paths == ["a.1", "a.2", "a.3"]
    assert says in reason


@pytest.mark.parametrize("field", [100, 124, 148], ids=["mode", "size", "checksum"])
def test_what_stands_before_a_damaged_header_is_listed_though_many_are_read_at_once(field):
    data = bytearray(tar({"one": b"1", "two": b"2", "three": b"3"}, form=tarfile.USTAR_FORMAT))
    data[2048 + field] = ord("x")
    if field != 148:
        data[2048 + 148 : 2048 + 156] = b" " * 8
        data[2048 + 148 : 2048 + 156] = b"%06o\0 " % sum(data[2048 : 2048 + 512])

    paths, _ = taken(bytes(data))

    assert paths == ["one", "two"]


def test_a_size_that_an_extended_header_states_is_held_to_the_limits_too():
    record = b"20 size=99999999999\n"
    extended = header(b"x", b"%011o\0" % len(record), b"x") + padded(record)

    assert code_of(extended + header(b"f", b"00000000000\0") + END) == "archive-limit"


@pytest.mark.parametrize("kind", ["zstd", "gzip"])
def test_a_bomb_is_read_in_flat_memory(kind):
    zeros = bytes(1 << 20)
    if kind == "zstd":
        packer = zstandard.ZstdCompressor(level=1).compressobj()
        bomb = b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush()
        stream = iter(archive.zstd([bomb], growth=compression.Growth(free_bytes=1 << 30)))
    else:
        bomb = gzipped(zeros * 64)
        stream = archive.gzip([bomb])
    tracemalloc.start()
    try:
        for _ in stream:
            continue
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 128 << 20


def test_a_sink_sees_each_file_and_may_leave_it_unread():
    kept = {}

    def sink(path, content):
        if path == "a/one.json":
            kept[path] = next(content)
        elif path == "three.bin":
            kept[path] = b"".join(content)

    found = list(archive.read(chunks(tar(FILES), 100), sink=sink))

    assert listing(found) == expected(FILES)
    assert kept["three.bin"] == FILES["three.bin"]


@pytest.mark.parametrize(
    ("path", "kind", "problem"),
    [
        ("a/b", "file", ""),
        ("./a/b", "file", ""),
        ("./", "directory", ""),
        ("a..b", "file", ""),
        ("a/", "directory", ""),
        ("/etc/passwd", "file", "absolute path"),
        ("/etc/", "directory", "absolute path"),
        ("../a", "file", "path leaves the archive"),
        ("a/../../b", "file", "path leaves the archive"),
        ("a/..", "directory", "path leaves the archive"),
        ("./../a", "file", "path leaves the archive"),
        ("a//b", "file", "path is not plain"),
        ("a/", "file", "path is not plain"),
        (".", "file", "path is not plain"),
        ("./.", "file", "path is not plain"),
        ("a\nb", "file", "path is not plain"),
        ("a\\b", "file", "path is not plain"),
        ("a\x1bb", "file", "path is not plain"),
        ("a", "link", "member is a link"),
        ("a", "symlink", "member is a symlink"),
        ("a", "device", "member is a device"),
        ("a", "fifo", "member is a fifo"),
        ("a", "unknown", "member is a unknown"),
    ],
)
def test_a_member_that_could_do_harm_says_why(path, kind, problem):
    assert archive.problem_of(archive.Member(path=path, kind=kind, size=0), set()) == problem


def test_a_path_that_comes_twice_is_a_problem_however_it_is_spelt():
    seen: set[str] = set()

    assert archive.problem_of(archive.Member(path="a/b", kind="file", size=0), seen) == ""
    for path in ("a/b", "./a/b", "a/./b"):
        assert archive.problem_of(archive.Member(path=path, kind="file", size=0), seen) == "path comes twice"
    assert archive.problem_of(archive.Member(path="a/", kind="directory", size=0), seen) == ""
    assert archive.problem_of(archive.Member(path="a/", kind="directory", size=0), seen) == ""


@pytest.mark.parametrize("size", [100, 7_000], ids=["in blocks", "in one chunk"])
@pytest.mark.parametrize("place", [0, 40, 79])
def test_the_file_that_is_wanted_is_shown_alone_and_the_listing_is_the_same(size, place):
    files = {f"state/{number:03}": bytes([number]) * (number * 37) for number in range(80)}
    ordered = list(files.items())
    ordered.insert(place, ("members.json", b"wanted" * 500))
    data = tar(dict(ordered))
    shown = {}

    rows = archive.rows(
        chunks(data, size), sink=lambda path, content: shown.update({path: b"".join(content)}), wanted="members.json"
    )

    assert list(rows) == list(archive.rows(chunks(data, size)))
    assert shown == {"members.json": b"wanted" * 500}
