"""When credentials end and nothing of this process can renew them; only what botocore itself knows is said."""

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.utils import JSONFileCache, SSOTokenLoader

from drproof.formats import timestamps
from drproof.model.errors import FormatError
from drproof.model.readiness import EXPIRY_UNKNOWN
from drproof.targets.aws import instants

SSO = "sso"
"""How botocore calls the way by IAM Identity Center."""
RENEWED = frozenset({"assume-role", "assume-role-with-web-identity", "container-role", "custom-process", "iam-role"})
"""Its names of those ways to credentials that it goes again by itself when they end."""
ENVIRONMENT, OF_A_FUNCTION = "env", "AWS_LAMBDA_RUNTIME_API"
"""Its name of those in the environment; and the variable that Lambda sets where it keeps them fresh for each call."""


def expires_at(session: Any) -> str:  # noqa: ANN401 — botocore's session has no public type
    """Return when a session's credentials end; empty when they do not, or something renews them.

    Temporary ones of which nobody knows the end are `EXPIRY_UNKNOWN`.

    Credentials of the environment are as old as the process, but for those of a function of Lambda. Those of a role, a
    machine or a container are renewed by botocore for as long as what they rest on lives. Those of IAM Identity Center
    are renewed until the login ends.
    """
    credentials = session.get_credentials()
    if credentials is None:
        return ""
    method = str(getattr(credentials, "method", ""))
    if method.startswith(SSO):
        return _login_ends(session)
    if method in RENEWED or not credentials.token:
        return ""
    if method == ENVIRONMENT and os.environ.get(OF_A_FUNCTION):
        return ""
    # Botocore keeps the instant of AWS_CREDENTIAL_EXPIRATION and tells it to nobody.
    ends = getattr(credentials, "_expiry_time", None)
    return instants.text(ends) if isinstance(ends, datetime) else EXPIRY_UNKNOWN


def _login_ends(session: Any) -> str:  # noqa: ANN401 — as above
    """Return when a login to IAM Identity Center ends; one with a refresh token is renewed by itself."""
    profile = session.get_scoped_config()
    name = profile.get("sso_session")
    start = session.full_config.get("sso_sessions", {}).get(name, {}).get("sso_start_url") if name else None
    loader = SSOTokenLoader(cache=JSONFileCache(working_dir=str(Path("~/.aws/sso/cache").expanduser())))
    try:
        token = loader(start or profile.get("sso_start_url", ""), session_name=name)
        if token.get("refreshToken"):
            return ""
        return instants.text(timestamps.parse(str(token["expiresAt"]).replace("UTC", "Z")))
    except (BotoCoreError, FormatError, OSError):
        # No token that can be read: the first call says so, and says it better.
        return ""
