"""How an operator's command reaches a bucket: as whom, where it lies, and whose it must be. The one room for it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import botocore.session

from drproof.engine.refusal import refuse
from drproof.engine.settings import setting
from drproof.targets import embedded
from drproof.targets.aws.errors import translated
from drproof.targets.aws.sessions import Session

if TYPE_CHECKING:
    from drproof.targets.aws.s3 import AwsObjectStore

DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a bucket is reached, as the options say."""

    region: str | None = None
    profile: str | None = None
    """None for that of the settings; "" for none at all."""
    owner: str | None = None
    world: str = ""
    """The address of an embedded world; empty for AWS, or for the store at `endpoint`."""
    endpoint: str = ""
    """The address of another store that speaks S3, asked with the operator's own credentials."""
    site: Literal["", "primary", "recovery"] = ""
    """Whose settings in `drproof.toml` hold where an option says nothing; empty where no settings do."""
    side: Literal["", "-left", "-right"] = ""
    """How the options of one of two places end."""
    read_only: bool = True

    def open(self, bucket: str = "the bucket") -> tuple[Session, str]:
        """Return what asks, and the account that must own `bucket`.

        Raises:
            Refusal: nothing says whose it is or where it lies, or an option is none.
            TargetError: the profile does not exist, or nobody says who the caller is.
        """
        self._check_addresses()
        owner = self._owner(bucket)
        session = self._session(bucket)
        # Without an owner on every call, a bucket of that name in a stranger's account would do.
        if not owner:
            from drproof.targets.aws.sts import AwsIdentity

            owner = AwsIdentity(session.client("sts")).caller().account_id
        return session, owner

    def objects(self) -> "AwsObjectStore":
        """Return the buckets that can be reached this way; as `open`."""
        # Whoever lists with signed requests does without the SDK's client, and what comes with it.
        from drproof.targets.aws.s3 import AwsObjectStore

        session, owner = self.open()
        return AwsObjectStore(session.client("s3"), owner=owner)

    def _check_addresses(self) -> None:
        if self.world and self.endpoint:
            raise refuse(
                "--embedded and --endpoint name two stores",
                expected="one of them",
                next_step="leave out --endpoint for a rehearsal",
            )
        if self.endpoint and not _is_address(self.endpoint):
            raise refuse(
                f"--endpoint is {self.endpoint!r}",
                expected="the address of a store that speaks S3",
                next_step="--endpoint http(s)://host:port",
            )

    def _owner(self, bucket: str) -> str:
        """Return the account that must own the bucket; empty where it is the caller's own, whoever that is."""
        option = f"--bucket-owner{self.side}"
        if self.owner:
            return account(self.owner, option)
        # The accounts of a world are its own: what the settings of a real site say is not meant.
        if self.world or not self.site:
            return ""
        owner = self._said("owner") or self._said("account_id")
        if not owner:
            raise refuse(
                f"nothing says whose bucket {bucket} is",
                expected=f"an account: {option}, or sites.{self.site}.account_id in drproof.toml",
                next_step=f"add {option} <account>",
            )
        return owner

    def _session(self, bucket: str) -> Session:
        if self.world:
            address = embedded.loopback(self.world)
            issued = embedded.credentials(address)[self.site or "primary"]
            # A variable often names the region of a real site: a world says itself where it is.
            return Session(issued["region"], endpoint=address, credentials=issued, read_only=self.read_only)
        name = _setting("profile") if self.profile is None and self.site else self.profile or ""
        where = self._region(name, bucket)
        session = Session(where, profile=name, read_only=self.read_only)
        if self.endpoint:
            held = session.held()
            return Session(where, endpoint=self.endpoint, credentials=held, read_only=self.read_only)
        return session

    def _region(self, profile: str, bucket: str) -> str:
        """Return where the bucket lies: an option, the settings, the variable, the SDK's own configuration."""
        found = self.region or (self._said("region") if self.site else "") or os.environ.get("AWS_REGION", "")
        if not found:
            with translated("session:open", profile):
                found = botocore.session.Session(profile=profile or None).get_config_variable("region") or ""
        if not found:
            options = dict.fromkeys((f"--region{self.side}", "--region"))
            settings = f", or sites.{self.site}.region in drproof.toml" if self.site else ", or the region of a profile"
            raise refuse(
                f"nothing says in which region {bucket} lies",
                expected=f"{', '.join(options)}, AWS_REGION{settings}",
                next_step=f"add --region{self.side} <region>",
            )
        return found

    def _said(self, name: str) -> str:
        return _setting(f"sites.{self.site}.{name}")


def account(value: str, option: str) -> str:
    """Return an account as an option names it.

    Raises:
        Refusal: it is none.
    """
    if len(value) != DIGITS or not (value.isascii() and value.isdigit()):
        raise refuse(
            f"{option} is not an account",
            expected=f"{DIGITS} digits, so that no other account's bucket is read or written",
            got=repr(value),
            next_step=f"add {option} <account>",
        )
    return value


def _is_address(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        # Asking for the port refuses one that is none.
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _setting(path: str) -> str:
    """Return a setting of `drproof.toml` or of the environment; empty where nobody says anything."""
    return str(setting(path, {}, os.environ, Path.cwd()) or "")
