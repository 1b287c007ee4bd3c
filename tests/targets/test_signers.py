"""A key of this machine signs only when nobody but its owner can read it."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from drproof.evidence.trust import public_key, verifies
from drproof.model.errors import TargetError
from drproof.targets.signers import keyed_digest, make_key, open_signer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "keys"
    made.mkdir(mode=0o700)
    return made


def written(folder: Path, private, encryption=None, name: str = "a.key") -> str:
    data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
    (folder / name).touch(mode=0o600)
    (folder / name).write_bytes(data)
    return f"file2:{folder / name}"


def test_a_key_that_was_made_signs_what_its_public_half_verifies(folder):
    made = make_key(folder / "runner.key")
    signature = open_signer(f"file2:{folder / 'runner.key'}").sign(b"message")

    assert made.exportable
    assert verifies(public_key(made.public_key), signature, b"message")
    assert not verifies(public_key(made.public_key), signature, b"massage")
    assert (folder / "runner.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == ["runner.key"], "nothing else holds the key"


def test_a_key_that_is_there_is_never_replaced(folder):
    first = make_key(folder / "runner.key")

    with pytest.raises(FileExistsError):
        make_key(folder / "runner.key")
    assert open_signer(f"file2:{folder / 'runner.key'}").keyid == first.keyid
    assert [path.name for path in folder.iterdir()] == ["runner.key"]


def test_a_p256_key_of_another_tool_signs_too(folder):
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec.key"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (folder / "ec.key").chmod(0o600)

    signer = open_signer(f"file2:{folder / 'ec.key'}")
    assert verifies(public_key(signer.public_key), signer.sign(b"message"), b"message")


@pytest.mark.parametrize(
    ("place", "mode"), [("a.key", 0o640), ("a.key", 0o604), ("a.key", 0o620), (".", 0o750), (".", 0o701)]
)
def test_a_key_that_others_can_reach_is_refused_with_the_command_that_mends_it(folder, place, mode):
    uri = written(folder, Ed25519PrivateKey.generate())
    (folder / place).chmod(mode)

    with pytest.raises(TargetError, match="can be read by others") as refused:
        open_signer(uri)
    assert f"next: chmod go= {(folder / place)}" in str(refused.value)


@pytest.mark.parametrize("kind", ["rsa", "p384", "passphrase", "text", "public"])
def test_what_is_no_key_that_bundles_know_is_refused(folder, kind):
    if kind == "rsa":
        uri = written(folder, rsa.generate_private_key(65537, 2048))
    elif kind == "p384":
        uri = written(folder, ec.generate_private_key(ec.SECP384R1()))
    elif kind == "passphrase":
        uri = written(folder, Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))
    else:
        uri = written(folder, Ed25519PrivateKey.generate())
        text = make_key(folder / "b.key").public_key if kind == "public" else "not a key"
        (folder / "a.key").write_text(text)

    with pytest.raises(TargetError, match="no private key that drproof signs with"):
        open_signer(uri)


@pytest.mark.parametrize("uri", ["", "/a/path", "file:/a/path", "hsm:1", "awskms:alias/x"])
def test_a_uri_that_nobody_opens_names_the_next_command(uri):
    with pytest.raises(TargetError, match="next: drproof keys init"):
        open_signer(uri)


def test_a_key_that_is_not_there_names_the_next_command(folder):
    with pytest.raises(TargetError, match="next: drproof keys init"):
        open_signer(f"file2:{folder / 'none.key'}")


def test_a_key_file_gives_each_message_a_digest_of_its_own_and_always_the_same(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    make_key(folder / "runner.key")
    make_key(folder / "other.key")

    one = keyed_digest(f"file2:{folder / 'runner.key'}", b"drill-1")

    assert one == keyed_digest(f"file2:{folder / 'runner.key'}", b"drill-1")
    others = {
        keyed_digest(f"file2:{folder / 'runner.key'}", b"drill-2"),
        keyed_digest(f"file2:{folder / 'other.key'}", b"drill-1"),
    }
    assert len({one, *others}) == 3


def test_a_key_file_that_others_can_read_digests_nothing(tmp_path):
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    make_key(folder / "runner.key")
    (folder / "runner.key").chmod(0o644)

    with pytest.raises(TargetError, match="can be read by others"):
        keyed_digest(f"file2:{folder / 'runner.key'}", b"x")
    with pytest.raises(TargetError, match="cannot be read"):
        keyed_digest(f"file2:{folder / 'gone.key'}", b"x")
