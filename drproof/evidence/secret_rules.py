"""What secrets look like: rules of our own for what a disaster-recovery drill comes across.

A rule is written so that digests, ARNs, public keys, certificates and ids of the platforms are not like it. What a text
says beside a value (`password=`) is a rule as well; whether the value behind it is one, `is_a_value` decides.
"""

import re
from typing import Final

SIGNATURES: Final[dict[str, str]] = {
    "aws-access-key-id": r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])",
    "aws-session-token": r"(?:F[wQ]oGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=_%-]{20,}",
    # The other things that begin so are the public keys of SSH.
    "task-token": r"(?<![A-Za-z0-9+/])(?:AAAA(?!B3NzaC1|C3NzaC1|E2VjZHNh|GnNrLX|InNrLW)|AQC)[A-Za-z0-9+/]{56,}={0,2}",
    "page-token": r"(?<![A-Za-z0-9])[fb]/[0-9]{40,}(?:/s)?",
    "presigned-url": (
        r"(?i:X-Amz-(?:Signature|Security-Token)=[^&\s\"']{8,}|X-Amz-Credential=(?:AKIA|ASIA)[^&\s\"']{8,}"
        r"|[?&](?:Signature|sig)=[A-Za-z0-9%+/_-]{16,}=*|AWSAccessKeyId=[A-Z0-9]{16,})"
    ),
    "private-key": (
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
        r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)|PuTTY-User-Key-File-[0-9][\s\S]*"
        r"|AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{40,}"
    ),
    "registry-login": r"\"auths?\"\s*:\s*(?:\"[A-Za-z0-9+/]{6,}={0,2}\"|\{\s*\"[^\"]*\"\s*:\s*\{[^}]*\"auth\"[^}]*)",
    "ecr-token": (
        r"QVdTOmV5[A-Za-z0-9+/]{16,}={0,2}|\bAWS:eyJ[A-Za-z0-9+/]{16,}={0,2}"
        r"|eyJwYXlsb2FkIjoi[A-Za-z0-9+/]{16,}={0,2}|\"datakey\"\s*:\s*\""
    ),
    "node-token": r"(?<![A-Za-z0-9])K1[0-9][0-9a-f]{64}(?:::[^\s\"']+)?",
    "eks-token": r"k8s-aws-v[0-9]\.[A-Za-z0-9_-]{16,}",
    "json-web-token": r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_.-]{4,}",
    "bearer": r"(?i:\bbearer[ \t]+)(?=[A-Za-z._~+/=-]*[0-9])[A-Za-z0-9._~+/-]{8,}=*",
    "basic-auth": r"(?i:\bbasic[ \t]+)(?=[a-z+/]*[A-Z0-9])[A-Za-z0-9+/]{8,}={0,2}(?![A-Za-z0-9])",
    "authorization": (
        r"(?i:authorization[\"'\\]*\s*[:=]\s*[\"'\\]*(?:aws4-hmac-sha256|digest|negotiate|token|apikey)\s+)"
        r"[^\r\n\"']{8,}"
    ),
    "password-in-url": r"://(?:[^\s/@:\"'<>?#]{0,100}:[^\s/@\"'<>]{1,200}@(?=[^\s])|[A-Za-z0-9_-]{20,}@(?=[A-Za-z]))",
    "webhook": (
        r"discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9_/+-]{8,}|webhook\.office\.com/webhookb2/\S+"
    ),
    "github-token": r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})",
    "gitlab-token": r"(?<![A-Za-z0-9])gl(?:pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_.-]{16,}",
    "slack-token": r"(?<![A-Za-z0-9])(?:xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})",
    "service-key": (
        r"(?<![A-Za-z0-9_-])(?:sk-(?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{16,}|[rs]k_(?:live|test)_[A-Za-z0-9]{10,}"
        r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{16,}|hv[sbr]\.[A-Za-z0-9_-]{16,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
        r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}|dckr_pat_[A-Za-z0-9_-]{16,}|do[pors]_v1_[0-9a-f]{32,}"
        r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}|[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}|dapi[0-9a-f]{32})"
        r"|(?i:AccountKey=)[A-Za-z0-9+/]{40,}={0,2}"
    ),
    "secure-string": r"SecureString\\*\"[^{}]{0,400}?\\*\"Value\\*\"\s*:\s*\\*\"[^\"]+"
    r"|\"Value\\*\"\s*:\s*\\*\"[^\"]+\"[^{}]{0,400}?SecureString",
    # Words that stand behind a switch of a command line, and in a sentence.
    "password-argument": r"(?i:--?(?:password|passwd|passphrase|token|secret|api-?key)[ \t]+)(?![-$<{\[«*])[^\s\"']{4,}"
    r"|(?i:\b(?:password|passphrase|passwd)[ \t]+(?:is|was)[ \t]+)"
    r"(?!(?:not|missing|required|expired|invalid|empty|wrong|set|incorrect)\b)[^\s]{4,}",
}
"""Each rule by its name: what is like it is a secret whatever stands beside it."""

SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "aws-access-key-id": ("akia", "asia", "abia", "acca"),
    "aws-session-token": ("gzxivyxdz", "iqojb3jpz2lu"),
    "task-token": ("aaaa", "aqc"),
    "page-token": ("f/", "b/"),
    "presigned-url": ("x-amz-", "signature=", "sig=", "awsaccesskeyid"),
    "private-key": ("private key", "putty-user", "age-secret"),
    "registry-login": ('"auth',),
    "ecr-token": ("qvdtomv5", "aws:eyj", "eyjwyxlsb2fkijoi", '"datakey"'),
    "node-token": ("k1",),
    "eks-token": ("k8s-aws-v",),
    "json-web-token": ("eyj",),
    "bearer": ("bearer",),
    "basic-auth": ("basic",),
    "authorization": ("authorization",),
    "password-in-url": ("://",),
    "webhook": ("webhook", "hooks.slack"),
    "github-token": ("gh", "github_pat"),
    "gitlab-token": ("gl",),
    "slack-token": ("xox", "xapp-"),
    "service-key": (
        *("sk-", "k_live_", "k_test_", "aiza", "ya29.", "hvs.", "hvb.", "hvr.", "sg.", "npm_", "pypi-", "dckr_pat_"),
        *("_v1_", ".atlasv1.", ":aa", "dapi", "accountkey="),
    ),
    "secure-string": ("securestring",),
    "password-argument": ("-pass", "-token", "-secret", "-api", "password", "passphrase", "passwd"),
}
"""What a text in small letters must hold before a rule is tried on it: most hold none of it, which is quickly seen."""

BEFORE_ITS_SIGN: Final[dict[str, int]] = {
    "aws-access-key-id": 0,
    "aws-session-token": 3,
    "task-token": 0,
    "page-token": 0,
    "presigned-url": 1,
    "registry-login": 0,
    "ecr-token": 0,
    "node-token": 0,
    "eks-token": 0,
    "json-web-token": 0,
    "bearer": 0,
    "basic-auth": 0,
    "authorization": 0,
    "password-in-url": 0,
    "github-token": 0,
    "gitlab-token": 0,
    "slack-token": 0,
    "service-key": 14,
    "password-argument": 1,
}
"""At most how many characters before one of its signs a rule begins; one that is not here may begin anywhere."""

STRONG: Final = (
    r"pass(?:word|wd|phrase|code)|\bpwd|secret[_-]?(?:access[_-]?)?key|client[_-]?secret|api[_-]?key|private[_-]?key"
    r"|account[_-]?key|shared[_-]?key|signing[_-]?key|encryption[_-]?key|client[_-]?key(?:[_-]data)?|connection[_-]?string"
    r"|session[_-]?token|security[_-]?token|access[_-]?token|auth[_-]?token|refresh[_-]?token|task[_-]?token"
    r"|(?:signin|login|page|node|join)[_-]?token|next[a-z]*[_-]?token|previous[a-z]*[_-]?token|webhook[_-]?url|dockerconfigjson|dockercfg"
)
WEAK: Final = r"secret|token|credentials?|auth|access[_-]?key(?:[_-]?id)?"

STEMS: Final = ("pass", "pwd", "secret", "token", "key", "credential", "auth", "connection", "dockerc", "webhook")
"""In small letters, a part of each name that `CONTEXT` knows."""

CONTEXT: Final = re.compile(
    rf"(?:(?P<strong>{STRONG})|(?P<weak>{WEAK}))(?P<link>[\"'\\]*[ \t]*(?:=>|:=|[:=])\s*[\"'\\]*)"
    r"(?P<value>[^\s\"'\\,;&<>{}\[\]()|]{3,}(?:(?<=[A-Za-z0-9])[,;&|][^\s\"'\\,;&<>{}\[\]()|]*[0-9][^\s\"'\\]*)?)",
    re.IGNORECASE,
)
"""A name that says what its value is, a sign between them, and the value."""

NAME: Final = re.compile(rf"(?:(?P<strong>{STRONG})|(?P<weak>{WEAK}))(?:[_-]?(?:value|b64|base64))?$", re.IGNORECASE)
"""The end of a name whose value is a secret."""

_PLACEHOLDER: Final = re.compile(
    r"«|\[MASK|\*{3}|<|\$[{(A-Z]|\{\{|%\(|hmac-sha256:|sha256:|arn:aws|s3://|ENC\[|REDACTED|\.{3}|…|redacted|x{4,}$",
)
_NO_VALUE: Final = re.compile(
    r"(?i)(?:true|false|null|none|nil|yes|no|undefined|unset|empty|required|missing|invalid|expired|expected|unknown"
    r"|denied|not|is|was|must|cannot|failed|unauthorized|forbidden|rejected|got|string|str|bytes|text|masked)[.,:;]?"
)
_WORDS: Final = re.compile(r"[A-Za-z]+(?:[-_./][A-Za-z]+)*[.:]?")
_HONEST: Final = re.compile(
    r"(?:sha256:)?[0-9a-f]{64}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{1,3}|i-[0-9a-f]{8,17}|/(?:[A-Za-z0-9._-]+/)*[A-Za-z._-]+"
)


def is_a_value(value: str, *, strong: bool) -> bool:
    """Return whether what stands behind a telling name is a value, and no placeholder or part of a sentence."""
    if not value or _PLACEHOLDER.match(value) or _NO_VALUE.fullmatch(value):
        return False
    # Kubernetes and AWS have many a field called token or auth that holds a name.
    return strong or not (_WORDS.fullmatch(value) or _HONEST.fullmatch(value))


def is_private_der(data: bytes) -> bool:
    """Return whether bytes begin as a private key does in DER: a sequence, then a version of one byte."""
    if len(data) < 16 or data[0] != 0x30:  # noqa: PLR2004 — the tag of a sequence
        return False
    length = data[1]
    start = 2 + (length & 0x7F if length & 0x80 else 0)
    version, following = data[start : start + 3], data[start + 3 : start + 4]
    # A certificate request has a version, too; what follows it there is a name (a set or a sequence of sets).
    if version not in (b"\x02\x01\x00", b"\x02\x01\x01"):
        return False
    if following in (b"\x02", b"\x04"):
        return True
    # PKCS #8: an algorithm, which begins with an object identifier.
    return following == b"\x30" and data[start + 5 : start + 6] == b"\x06"
