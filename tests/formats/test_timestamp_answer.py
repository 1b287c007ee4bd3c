"""The certificates of a token in the order of DER; every other byte stays where it was."""

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, decode_timestamp_response

from drproof.formats.timestamp_answer import in_order
from drproof.model.errors import FormatError
from tests.authority import Root

QUERY = TimestampRequestBuilder().data(b"x").hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()
STAMPER = Root().stamper()


def test_certificates_in_the_order_of_the_chain_are_sorted_and_nothing_else_changes() -> None:
    answer = STAMPER.answer(QUERY, with_root=True, unordered=True)
    with pytest.raises(ValueError, match="InvalidSetOrdering"):
        decode_timestamp_response(answer)
    sorted_ = in_order(answer)
    assert len(decode_timestamp_response(sorted_).signed_data.certificates) == 2
    assert sorted(sorted_) == sorted(answer)
    assert in_order(sorted_) == sorted_


def test_an_answer_that_is_in_order_stays_as_it_is() -> None:
    answer = STAMPER.answer(QUERY)
    assert in_order(answer) == answer


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x00",
        b"\x30\x05\x30\x03\x02\x01\x02",
        STAMPER.answer(QUERY, status="rejection"),
        STAMPER.answer(QUERY)[:-1],
    ],
)
def test_what_holds_no_token_is_named(data: bytes) -> None:
    with pytest.raises(FormatError) as wrong:
        in_order(data)
    assert wrong.value.code == "timestamp-answer"
