import pytest

from drproof.report.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\0", r"\u{0}"),
        ("\x1b[31m", r"\u{1b}[31m"),
        ("a\r\nb", r"a\u{d}\u{a}b"),
        ("\x9b2J", r"\u{9b}2J"),
        ("user\u202egnp.exe", r"user\u{202e}gnp.exe"),
        ("\u2066x\u2069", r"\u{2066}x\u{2069}"),
        ("pass\u200bed", r"pass\u{200b}ed"),
        ("\ufeff", r"\u{feff}"),
        ("\ud800", r"\u{d800}"),
        ("\U000e0041", r"\u{e0041}"),
        ("\ufffe\U0010ffff", r"\u{fffe}\u{10ffff}"),
        ("a\u2028b", r"a\u{2028}b"),
        ("\xad", r"\u{ad}"),
    ],
)
def test_what_cannot_be_seen_is_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["", "plain", "Übung für 東京 🚒", r"C:\users\ada", "a-b_c/d:e@f", "<&>\"'"])
def test_what_can_be_seen_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_a_text_that_imitates_the_notation_is_not_taken_for_it() -> None:
    assert visible(r"\u{202e}") == r"\u{5c}u{202e}"
    assert visible(r"\u{202e}") != visible("\u202e")


def test_lines_are_kept_only_where_they_are_asked_for() -> None:
    assert visible("a\n\tb\r", lines=True) == "a\n\tb\\u{d}"
    assert visible("a\n\tb") == r"a\u{a}\u{9}b"


def test_nothing_hidden_is_left_in_any_plane() -> None:
    every = "".join(chr(code) for code in range(0x110000))
    shown = visible(every)
    assert shown.isprintable() or not any(
        ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F or 0xD800 <= ord(char) <= 0xDFFF or 0x202A <= ord(char) <= 0x202E
        for char in shown
    )
