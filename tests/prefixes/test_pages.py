"""Pages of a listing: what comes out is what the bucket holds, and half a page is none."""

import re
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drproof.formats import s3_page
from drproof.model.errors import FormatError
from tests.prefixes.bucket_server import Bucket, Stored, rendered

KEYS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12).map(str.encode)
ETAGS = st.from_regex(r"[0-9a-f]{32}(-[0-9]{1,5})?", fullmatch=True)


def page_of(*keys: bytes) -> bytes:
    return Bucket.of({key: Stored(key) for key in keys}).page({})


def spaced(page: bytes) -> bytes:
    """Return the same document as another store might write it, so that the pattern does not know it."""
    page = page.replace(b"</Contents>", b"<Owner><ID>o</ID></Owner></Contents>")
    return page.replace(b"><", b">\n <").replace(b"&quot;", b"&#34;")


@settings(deadline=None)
@given(
    st.dictionaries(KEYS, st.tuples(st.integers(0, 5 << 40), ETAGS), max_size=8),
    st.sampled_from([b"", b"p/", b"p+ %/"]),
)
def test_the_pattern_and_the_parser_read_the_same(objects: dict[bytes, tuple[int, str]], prefix: bytes) -> None:
    bucket = Bucket(((prefix + key, rendered(prefix + key, *one)) for key, one in objects.items()), {})
    page = bucket.page({"prefix": prefix})

    found, slowly = s3_page.parse(page, prefix), s3_page.parse(spaced(page), prefix)

    assert found == slowly
    assert found.rows == [(key, size, etag.encode()) for key, (size, etag) in sorted(objects.items())]


@settings(deadline=None)
@given(st.data())
def test_a_page_that_ends_anywhere_else_is_none(data: st.DataObject) -> None:
    page = page_of(*(b"k%d" % number for number in range(5)))
    cut = data.draw(st.integers(0, len(page.rstrip()) - 1))

    with pytest.raises(FormatError, match="a page of a listing"):
        s3_page.parse(page[:cut])


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"<Key>k1", b"<Key>k9", "page-order"),
        (b"<Key>k2", b"<Key>k1", "page-order"),
        (b"<KeyCount>3", b"<KeyCount>4", "page-shape"),
        (b"<IsTruncated>false", b"<IsTruncated>true", "page-shape"),
        (b"<IsTruncated>false</IsTruncated>", b"", "page-shape"),
        (b"<IsTruncated>false", b"<IsTruncated>false</IsTruncated><IsTruncated>true", "page-shape"),
        (b"<EncodingType>url", b"<EncodingType>rot13", "page-shape"),
        (b"<Size>2", b"<Size>two", "page-shape"),
        (b"<Size>2</Size>", b"", "page-shape"),
        (b"ListBucketResult", b"Error", "page-shape"),
        (b"?>", b"?><!DOCTYPE a>", "page-xml"),
        (b"</Contents><Contents>", b"</Contents>&bomb;<Contents>", "page-xml"),
    ],
)
def test_a_page_that_contradicts_itself_is_refused(old: bytes, new: bytes, code: str) -> None:
    page = page_of(b"k1", b"k2", b"k3")
    assert old in page

    for one in (page.replace(old, new), spaced(page).replace(old, new)):
        if one != spaced(page):
            with pytest.raises(FormatError) as caught:
                s3_page.parse(one)
            assert caught.value.code == code


def test_a_key_outside_the_prefix_is_refused() -> None:
    with pytest.raises(FormatError, match="outside the prefix") as caught:
        s3_page.parse(page_of(b"a/1", b"b/1"), b"a/")
    assert caught.value.code == "page-key"


def test_what_stands_between_two_objects_is_not_lost() -> None:
    page = page_of(b"k1", b"k3")
    hidden = rendered(b"k2", 1, "0" * 32).replace(b"<StorageClass>", b"<Owner/><StorageClass>")
    page = page.replace(b"</Contents><Contents>", b"</Contents>" + hidden + b"<Contents>").replace(
        b"Count>2", b"Count>3"
    )

    assert [key for key, _, _ in s3_page.parse(page).rows] == [b"k1", b"k2", b"k3"]


def test_a_store_that_does_not_encode_keys_is_read_as_it_writes() -> None:
    page = (
        page_of(b"a+b%20c")
        .replace(quote(b"a+b%20c").encode(), b"a+b%20c")
        .replace(b"<EncodingType>url</EncodingType>", b"")
    )

    assert [key for key, _, _ in s3_page.parse(page).rows] == [b"a+b%20c"]


def test_an_etag_of_no_known_form_is_said_to_be_uncertain() -> None:
    page = page_of(b"k")
    for etag in (b"", b"&quot;&quot;", b"&quot;ABC&quot;", b"&quot;0123&quot;"):
        assert not s3_page.parse(re.sub(rb"<ETag>.*</ETag>", b"<ETag>%s</ETag>" % etag, page)).certain
    assert s3_page.parse(page).certain


def test_common_prefixes_come_without_the_prefix() -> None:
    bucket = Bucket.of({key: Stored(b"") for key in (b"p/a b/1", b"p/a b/2", b"p/c", b"p/d+/1")})

    page = s3_page.parse(bucket.page({"prefix": b"p/", "delimiter": b"/"}), b"p/")

    assert (page.common_prefixes, [key for key, _, _ in page.rows]) == ((b"a b/", b"d+/"), [b"c"])
