"""Secrets to plant: well-formed, and new with every seed, so that no rule can have been written on them."""

import base64
import json
import random
import string
from dataclasses import dataclass
from urllib.parse import quote

LETTERS = string.ascii_letters + string.digits
BASE64 = LETTERS + "+/"
URLSAFE = LETTERS + "-_"
CROCKFORD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Plant:
    """One secret, as a tool would print it, and the parts of it that nobody may find again."""

    kind: str
    shown: str
    parts: tuple[str, ...]


def grow(seed: int) -> tuple[Plant, ...]:
    """Return one plant of each kind."""
    chance = random.Random(seed)

    def some(length: int, alphabet: str = LETTERS) -> str:
        # Never without a digit and a capital: what is left is no word.
        text = "".join(chance.choice(alphabet) for _ in range(length))
        return text if any(map(str.isdigit, text)) or not set(alphabet) & set(string.digits) else some(length, alphabet)

    def lines(count: int) -> list[str]:
        return [some(64, BASE64) for _ in range(count)]

    def pem(kind: str, body: list[str]) -> str:
        return "\n".join((f"-----BEGIN {kind}-----", *body, f"-----END {kind}-----"))

    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    plants: list[Plant] = []

    def plant(kind: str, shown: str, *parts: str) -> None:
        plants.append(Plant(kind, shown, parts))

    secret = some(40, BASE64)
    plant("aws access key id", (value := f"AKIA{some(16, CROCKFORD)}"), value)
    plant("aws temporary key id", (value := f"ASIA{some(16, CROCKFORD)}"), value)
    plant("aws secret key", f"aws_secret_access_key = {secret}", secret)
    plant("aws secret key, exported", f"export AWS_SECRET_ACCESS_KEY={(value := some(40, BASE64))}", value)
    plant("aws session token", (value := f"IQoJb3JpZ2luX2Vj{some(240, BASE64)}=="), value)
    plant("task token", (value := f"AQCEAAAAKgAAAAMAAAAA{some(320, BASE64)}="), value)
    plant("task token of another kind", f"taskToken: {(value := f'AAAAKgAAAAIAAAAA{some(280, BASE64)}')}", value)
    plant("log page token", (value := f"f/3{some(54, string.digits)}/s"), value)
    plant("list page token", json.dumps({"nextToken": (value := some(88, BASE64))}), value)
    v4 = some(64, "0123456789abcdef")
    plant("presigned url v4", f"https://b.s3.amazonaws.com/k?X-Amz-Expires=900&X-Amz-Signature={v4}", v4)
    v2 = quote(some(27, BASE64) + "=", safe="")
    plant(
        "presigned url v2", f"https://b.s3.amazonaws.com/k?AWSAccessKeyId=AKIA{some(16, CROCKFORD)}&Signature={v2}", v2
    )
    plant(
        "client key of a kubeconfig", f"client-key-data: {(value := encoded(pem('EC PRIVATE KEY', lines(3))))}", value
    )
    for kind, header in (("rsa private key", "RSA PRIVATE KEY"), ("ssh private key", "OPENSSH PRIVATE KEY")):
        body = lines(4)
        plant(kind, pem(header, body), *body)
    login = encoded(f"AWS:{some(80, BASE64)}")
    plant("docker config", json.dumps({"auths": {"r.example": {"auth": login}}}), login)
    plant("ecr token", f"authorizationToken {(value := encoded('AWS:eyJwYXlsb2FkIjoi' + some(300, BASE64)))}", value)
    plant("node token", (value := f"K10{some(64, '0123456789abcdef')}::server:{some(32, '0123456789abcdef')}"), value)
    plant("eks token", (value := f"k8s-aws-v1.{some(180, URLSAFE)}"), value)
    plant("bearer", f"Authorization: Bearer {(value := some(44, URLSAFE))}", value)
    plant("json web token", (value := f"eyJhbGciOi{some(20)}.eyJzdWIi{some(60)}.{some(43, URLSAFE)}"), value)
    plant("basic auth", f"Authorization: Basic {(value := encoded('drill:' + some(18)))}", value)
    plant("password in a url", f"https://deploy:{(value := some(20))}@git.example/r.git", value)
    plant("database url", f"postgresql://atlas:{(value := some(22))}@db.example:5432/atlas", value)
    plant("password", f"password={(value := some(14))}", value)
    plant("password, quoted", json.dumps({"DB_PASSWORD": (value := some(16))}), value)
    plant("secret", f"client_secret: {(value := some(30, URLSAFE))}", value)
    plant("passphrase in a sentence", f"the passphrase is {(value := some(24))}", value)
    plant("password argument", f"mysql --user atlas --password {(value := some(18))}", value)
    plant("discord", (value := f"https://discord.com/api/webhooks/{some(18, '123456789')}/{some(68, URLSAFE)}"), value)
    plant("slack hook", (value := f"https://hooks.slack.com/services/T{some(9)}/B{some(9)}/{some(24)}"), value)
    plant("slack token", (value := f"xoxb-{some(12, string.digits)}-{some(24)}"), value)
    plant("github token", (value := f"ghp_{some(36)}"), value)
    plant("github fine-grained token", (value := f"github_pat_{some(22)}_{some(59)}"), value)
    plant("gitlab token", (value := f"glpat-{some(20, URLSAFE)}"), value)
    plant("model service key", (value := f"sk-{some(48)}"), value)
    plant("payment key", (value := f"sk_live_{some(24)}"), value)
    plant("vault token", (value := f"hvs.{some(90, URLSAFE)}"), value)
    plant("npm token", (value := f"npm_{some(36)}"), value)
    plant(
        "sign-in token", f"https://signin.aws.amazon.com/federation?SigninToken={(value := some(200, URLSAFE))}", value
    )
    parameter = {"Name": "/atlas/db", "Type": "SecureString", "Value": (value := some(25))}
    plant("secure parameter", json.dumps({"Parameter": parameter}), value)
    plant("age key", (value := f"AGE-SECRET-KEY-1{some(58, 'QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L')}"), value)
    return tuple(plants)


def forms(plant: Plant) -> set[str]:
    """Return every text by which a plant could be found again; computed here, and not by what is tested."""
    found = set()
    for part in (*plant.parts, *(half for whole in plant.parts for half in _halves(whole))):
        found |= {part, quote(part, safe=""), part.encode().hex(), json.dumps(part)[1:-1]}
        for before in range(3):
            text = base64.b64encode(b"\0" * before + part.encode()).decode().rstrip("=")
            found.add(text[(0, 2, 3)[before] : -1])
    return {form for form in found if len(form) >= 7}


def _halves(part: str) -> tuple[str, ...]:
    middle = len(part) // 2
    return tuple(
        half for half in (part[:middle], part[middle:]) if not half.startswith(("http", "AGE-SECRET-KEY", "K10"))
    )
