"""Sessions: who we are at one site, and clients that ask once, in bounded time, only what they may."""

import json
import os
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import IncompleteReadError
from botocore.httpsession import URLLib3Session
from botocore.loaders import JSONFileLoader
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from drproof.model.errors import GuardError, TargetError
from drproof.targets import environment
from drproof.targets.aws import lifetimes
from drproof.targets.aws.errors import translated

CONNECT_SECONDS = 5
READ_SECONDS = 60
READING = ("BatchGet", "Describe", "Get", "Head", "List", "Simulate")
"""How the names of operations that change nothing begin."""

_NO_ANSWER = 300
"""From this status on an answer of HTTP is none to what was asked."""


class _ReadOnce(JSONFileLoader):
    """Reads each model of the SDK once a process, for the sessions of all sites: nobody changes what was read."""

    @cache  # noqa: B019 — as long as the process
    def load_file(self, file_path: str) -> Any:  # noqa: ANN401 — a document
        return super().load_file(file_path)


_ONCE = _ReadOnce()


class Session:
    """One site for the SDK."""

    def __init__(
        self,
        region: str,
        *,
        endpoint: str = "",
        credentials: Mapping[str, str] | None = None,
        profile: str = "",
        read_only: bool = False,
    ) -> None:
        """Open AWS by the operator's own configuration, or the embedded world at `endpoint` by its `credentials`.

        Raises:
            TargetError: the profile does not exist.
        """
        self.region = region
        self.endpoint = endpoint
        self._read_only = read_only
        self._issued_until = (credentials or {}).get("expires_at", "")
        if endpoint:
            if credentials is None:
                msg = f"the embedded world at {endpoint} needs its own credentials, got none"
                raise ValueError(msg)
            self._core = _undisturbed()
            self._core.set_credentials(
                credentials["access_key_id"], credentials["secret_access_key"], credentials.get("session_token")
            )
        else:
            self._core = botocore.session.Session(profile=profile or None)
            with translated("session:open", profile):
                # Says whether there is such a profile.
                self._core.get_scoped_config()
        self._core.set_config_variable("region", region)
        self._core.get_component("data_loader").file_loader = _ONCE

    def client(self, service: str, *, region: str = "", read_seconds: int = READ_SECONDS) -> Any:  # noqa: ANN401 — the adapters name the client's type
        """Return a client that sends each request once: attempts are the engine's, because they are evidence."""
        config = Config(
            retries={"total_max_attempts": 1, "mode": "standard"},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=read_seconds,
            user_agent_extra="drproof",
            **(_AT_THE_WORLD if self.endpoint else _LIVE),
        )
        with translated(f"session:{service}"):
            client = self._sdk.client(
                service, region_name=region or self.region, endpoint_url=self.endpoint or None, config=config
            )
        client.meta.events.register_first("after-call", _refuse_a_torn_answer)
        if self._read_only:
            client.meta.events.register_first("before-parameter-build", _refuse_changes)
        return client

    @cached_property
    def _sdk(self) -> Any:  # noqa: ANN401 — the stubs know every client by its literal name
        # Signed requests and credentials do without it, and it takes as long to import as to list 20,000 keys.
        import boto3

        return boto3.Session(botocore_session=self._core)

    def secrets(self) -> tuple[str, ...]:
        """Return the values that must never be shown; none when there are no credentials."""
        try:
            found = self._frozen()
        except TargetError:
            # The first call says so, and says it better.
            return ()
        return tuple(value for name, value in found.items() if name != "AWS_ACCESS_KEY_ID")

    def expires_at(self) -> str:
        """Return when the credentials end: "" when they do not, or are renewed; else an instant or unknown."""
        if self.endpoint:
            return self._issued_until
        with translated("session:credentials"):
            return lifetimes.expires_at(self._core)

    def environment(self) -> dict[str, str]:
        """Return the environment in which a child process is the same caller, and no developer's setting counts."""
        names = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region, "AWS_EC2_METADATA_DISABLED": "true"}
        if self.endpoint:
            names["DRPROOF_ENDPOINT"] = self.endpoint
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            names[name] = os.devnull
        return environment.child({**names, **self._frozen()}, proxies=not self.endpoint)

    def signing_credentials(self) -> ReadOnlyCredentials:
        """Return the credentials to sign the next request with: renewed when they are about to expire.

        Raises:
            TargetError: there are none.
        """
        with translated("session:credentials"):
            credentials = self._core.get_credentials()
            frozen: ReadOnlyCredentials | None = (
                credentials.get_frozen_credentials() if credentials is not None else None
            )
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            msg = (
                "session:credentials: NoCredentialsError: there are no credentials\n  next: aws sts get-caller-identity"
            )
            raise TargetError(msg, code="NoCredentialsError", call="session:credentials")
        return frozen

    def held(self) -> Mapping[str, str]:
        """Return the credentials for a session at another endpoint, with the token of temporary ones.

        Raises:
            TargetError: there are none.
        """
        found = self.signing_credentials()
        token = {"session_token": found.token} if found.token else {}
        return {"access_key_id": str(found.access_key), "secret_access_key": str(found.secret_key), **token}

    def http(self, connections: int) -> URLLib3Session:
        """Return what sends signed requests over at most `connections` connections, as the SDK's own clients would."""
        live = not self.endpoint
        return URLLib3Session(
            verify=(live and self._core.get_config_variable("ca_bundle")) or True,
            proxies=get_environ_proxies(f"https://s3.{self.region}.amazonaws.com") if live else {},
            timeout=(CONNECT_SECONDS, READ_SECONDS),  # type: ignore[arg-type] # the stubs know one of its two forms
            max_pool_connections=connections,
        )

    def _frozen(self) -> dict[str, str]:
        frozen = self.signing_credentials()
        names = {"AWS_ACCESS_KEY_ID": str(frozen.access_key), "AWS_SECRET_ACCESS_KEY": str(frozen.secret_key)}
        if frozen.token:
            names["AWS_SESSION_TOKEN"] = frozen.token
        return names


# An address from the environment could make an emulator answer for real AWS.
_LIVE: dict[str, Any] = {"ignore_configured_endpoint_urls": True}
_AT_THE_WORLD: dict[str, Any] = {
    "ignore_configured_endpoint_urls": True,
    "proxies": {},
    "s3": {"addressing_style": "path"},
    "use_dualstack_endpoint": False,
    "use_fips_endpoint": False,
}


def _undisturbed() -> botocore.session.Session:
    """Return an SDK session that no variable and no file of the developer can change."""
    session = botocore.session.Session()
    for name, (setting, _, default, convert) in list(session.session_var_map.items()):
        # What a call is made for is written into its head, and decides nothing.
        if name == "user_agent_appid":
            continue
        nowhere = os.devnull if name in {"config_file", "credentials_file"} else default
        session.session_var_map[name] = (setting, None, nowhere, convert)
    return session


def _refuse_changes(model: Any, **_: object) -> None:  # noqa: ANN401 — botocore's operation model
    if not model.name.startswith(READING):
        call = f"{model.service_model.service_name}:{model.name}"
        msg = f"{call} would change the original site; expected only calls that read it"
        raise GuardError(msg)


def _refuse_a_torn_answer(http_response: Any, model: Any, **_: object) -> None:  # noqa: ANN401 — botocore's own
    """Refuse an answer that is not whole: the SDK takes half a JSON document for one that says nothing.

    Raises:
        IncompleteReadError: it has another length than its head says.
        ResponseParserError: it is not JSON, and should be.
    """
    if http_response.status_code >= _NO_ANSWER or model.has_streaming_output or model.http.get("method") == "HEAD":
        return
    body, headers = http_response.content, http_response.headers
    announced = headers.get("content-length", "")
    if announced.isdigit() and not headers.get("content-encoding") and int(announced) != len(body):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(announced))
    # What the service speaks at best is not what is spoken: CodeBuild and CloudWatch name CBOR first.
    if body and "json" in str(model.service_model.resolved_protocol):
        try:
            json.loads(body)
        except ValueError as exc:
            msg = f"the answer of {model.name} is not JSON: {exc}"
            raise ResponseParserError(msg) from exc
