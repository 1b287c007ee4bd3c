"""Which words of somebody else's text are proven to be harmless: everything else is masked.

A word is taken apart at its punctuation, and each part must be a word of a language, a number, a version or an id of
a known shape. What looks like chance (letters and digits by turns, capitals in the middle, no vowels) is not proven.
A passphrase of ordinary words is proven by this measure: only known values and telling names guard against that.
"""

import re
from functools import lru_cache
from typing import Final

_WORDS = re.compile(r"\S+")
_EDGE: Final = "\"'`()[]{}<>,;:.!?=*|…«»“”‘’·-–—"  # noqa: RUF001 — signs around words

_WHOLE: Final = re.compile(
    r"""(?x)
    [0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?  # a date, an instant
    | [0-9]{8}T[0-9]{6}Z
    | [0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?Z?
    | [0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?::[0-9]{1,5})?  # an address
    | [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}  # a UUID
    | (?:sha256|sha512|hmac-sha256):[0-9a-f]{64}(?:[0-9a-f]{64})?
    | (?:i|vol|ami|sg|subnet|vpc|eni|snap|rtb|acl|igw|nat|lt|r|eipalloc|eipassoc|vpce|pl|fleet|cmd|mi)-[0-9a-f]{8,17}
    | [+-]?[0-9]{1,20}(?:[.,][0-9]{1,9})*(?:%|[a-zA-Z]{1,3})?(?:/s)?  # a number, perhaps with a unit
    | (?:[0-9]+(?:\.[0-9]+)?(?:h|m|s|ms|us|ns|d))+
    | (?:Job/)?dr-validate-[0-9a-f]{16}-[0-9]{1,3}  # a Job of ours
    | v?[0-9]+(?:\.[0-9]+){1,3}(?:[-+~][A-Za-z0-9]{1,8}(?:\.[0-9]{1,4})?){0,2}  # a version
    """
)
_EMBEDDED = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:i|vol|ami|sg|subnet|vpc|eni|snap|rtb|igw|lt)-[0-9a-f]{17}|sha256:[0-9a-f]{64}"
    r"|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|\+[0-9:]+)?|[0-9]{8}T[0-9]{6}Z)"
    r"(?![A-Za-z0-9])"
)
_PARTS = re.compile(r"[/:@.,;=+_~#?&|!$*%\"'`()\[\]{}<>\\^-]+")
_GENERATED = re.compile(
    r"(?P<name>[a-z][a-z0-9.-]*?)-(?:[bcdf-hj-np-tv-z2456789]{8,10}-)?[bcdf-hj-np-tv-z2456789]{5}(?:-[0-9]{1,3})?"
)
_CAMEL = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
_SHORT = re.compile(r"[A-Za-z]{1,3}[0-9]{1,4}[A-Za-z]?|[0-9]{1,4}[A-Za-z]{1,3}|[a-z][0-9][a-z]|0x[0-9a-f]{1,8}")
_NUMBER = re.compile(r"[0-9]{1,20}")
_INNER: Final = re.compile(r"[A-Za-z0-9][!#$%&*^~?|\\<>;`]+[A-Za-z0-9]")
"""Signs that passwords have in their middle, and names have not."""
_VOWELS: Final = frozenset("aeiouyäöüéèàáíóúåøæ")
_ODD: Final = re.compile(
    r"[bcdfghjklmnpqrstvwxz]{6}|[aeiouy]{5}|(.)\1\1|q[^u]|[jvwx]q|[bcdfgjkmpqtvxz]x|x[bdfgjkmnrvz]|[bcdfghjlmnpqrstvwxz]j[^aeiouy]"
    r"|v[bcdfghjkmnpqtwxz]|[fghjkqvwz]z[^aeiouyz]|k[cfjqvxz]|w[gjquvxz]|z[bcdfgjkmnprtvwx]"
)
_PAIRS_OF_LETTERS: Final = (
    "ab ac ad af ag ai ak al am an ap ar as at au av aw ax ay az be bi bl bo br bs bu by ca ce ch ci ck cl co cr ct "
    "cu cy da dd de dg di dl dm dn do dr ds du dw dy ea eb ec ed ee ef eg ei ek el em en eo ep eq er es et ev ew ex "
    "ey fa fe ff fi fl fo fr fs ft fu ga ge gg gh gi gl gm gn go gr gs gu gy ha he hi hm ho hr ht hu hy ia ib ic id "
    "ie if ig il im in io ip ir is it iu iv ix iz ja je jo ju ka ke ki kl kn ko kp ks ku la lc ld le lf lg li lk ll "
    "lm lo lp ls lt lu lv ly ma mb me mi mm mo mp ms mu my na nc nd ne nf ng ni nk nn no ns nt nu oa ob oc od of og "
    "oi ol om on oo op or os ot ou ov ow ox pa pe ph pi pl po pp pr ps pt pu py qu ra rb rc rd re rf rg ri rk rl rm "
    "rn ro rp rr rs rt ru rv ry sa sc se sh si sk sm sn so sp ss st su sw sy ta tc te th ti tl tm to tr ts tt tu tw "
    "ty ua ub uc ud ue uf ug ui ul um un up ur us ut uv va ve vi vo wa we wh wi wl wn wo wr xa xe xi xt xy yc yd ye "
    "yl ym yn yp ys yt yw za ze "
)
"""The pairs of letters that words are made of."""
_SHORT_WORDS: Final = (
    "arn aws bz cfg cgroup cmd cp cpu crd csr css csv ctl cwd dns dst ebs ecr eks elb eni env err etc etcd fd fs gb "
    "gi gpg gpu grpc gz hdr hmac html http https iam ip jpg json jwt k3s k8s kb ki kms kubectl kubelet lb lgtm ls "
    "mb md mfa mi mkdir mnt mtls mv nfs nlb nm np ns nvme oom opt pdf pem ph pid pkg png ps pvc py qps rb rbac rc "
    "rds rfc rm rpc rpm rx s3 sdk sfn sg sh sha sns sql sqs src srv ssd ssh ssl ssm std stderr stdin stdout sts svc "
    "tcp tf tgz tls tls1 tmp tmpfs ttl tx txt udp uid uri url usr utf vcpu vcpus vm vpc vs www xfs xml xz yaml yml "
    "zst zstd "
)
"""Abbreviations that no rule of speech lets pass."""
_COMMON: Final = frozenset(_PAIRS_OF_LETTERS.split())
_ACRONYMS: Final = frozenset(_SHORT_WORDS.split())


def is_proven(word: str) -> bool:
    """Return whether a word without spaces is proven to be no secret."""
    core = word.strip(_EDGE)
    return not core or _is_proven(core)


@lru_cache(maxsize=4096)
def _is_proven(core: str) -> bool:
    if len(core) > 512 or not core.isprintable():  # noqa: PLR2004 — longer than any name of a platform
        return False
    if _WHOLE.fullmatch(core):
        return True
    if _INNER.search(core):
        return False
    if "%" in core and re.search(r"%[0-9A-Fa-f]{2}", core):
        return False
    if (generated := _GENERATED.fullmatch(core)) is not None:
        return all(map(_is_part, _PARTS.split(generated["name"])))
    odd = 0
    # An id among other parts (`…/i-0123…`, `name@sha256:…`) is taken out first.
    for part in _PARTS.split(_EMBEDDED.sub("/", core)):
        if not _is_part(part):
            return False
        # A random text that happens to hold much punctuation falls apart into parts that look like versions.
        odd += bool(part) and not (part.isalpha() or part.isdigit())
    return odd <= 4  # noqa: PLR2004


def _is_part(part: str) -> bool:
    if not part or _NUMBER.fullmatch(part):
        return True
    if part.isalpha():
        return len(part) <= 60 and _is_spoken(part)  # noqa: PLR2004
    if part.lower() in _ACRONYMS or _SHORT.fullmatch(part):
        return True
    # A word with a number at its end: `runner2`, `Profile01`.
    head = part.rstrip("0123456789")
    return len(part) - len(head) <= 4 and head.isalpha() and _is_spoken(head)  # noqa: PLR2004


def _is_spoken(part: str) -> bool:
    """Return whether letters are a word, or words written together with capitals."""
    if not part.isascii():
        return part.islower() or part.istitle() or len(part) <= 4  # noqa: PLR2004
    pieces = _CAMEL.findall(part)
    if "".join(pieces) != part:
        return False
    short = sum(len(piece) <= 2 for piece in pieces)  # noqa: PLR2004
    if len(pieces) > 1 and (short > 1 or len(part) / len(pieces) < 3):  # noqa: PLR2004
        return False
    return all(_is_word(piece.lower(), alone=len(pieces) == 1) for piece in pieces)


def _is_word(piece: str, *, alone: bool) -> bool:
    if piece in _ACRONYMS:
        return True
    if len(piece) <= 3:  # noqa: PLR2004
        return True
    if len(piece) > 22 or not _VOWELS.intersection(piece) or _ODD.search(piece):  # noqa: PLR2004
        return False
    pairs = [piece[at : at + 2] in _COMMON for at in range(len(piece) - 1)]
    if len(piece) >= 5 and sum(pairs) < 0.7 * len(pairs):  # noqa: PLR2004
        return False
    vowels = sum(letter in _VOWELS for letter in piece)
    return 0.15 <= vowels / len(piece) <= 0.8 or (alone and len(piece) <= 5)  # noqa: PLR2004


def unproven(text: str) -> list[tuple[int, int]]:
    """Return where a text has words that are not proven to be harmless."""
    return [match.span() for match in _WORDS.finditer(text) if not is_proven(match[0])]
