"""What an HTTP request asks for: whose key signed it, which service and action, which bucket and key."""

import io
import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

Environ = dict[str, Any]
Protocol = Literal["s3", "query", "ec2", "json", "cbor", "rest-json"]

S3_SUBRESOURCES = (
    ("tagging", "ObjectTagging", "BucketTagging"),
    ("versioning", "", "BucketVersioning"),
    ("acl", "ObjectAcl", "BucketAcl"),
    ("retention", "ObjectRetention", ""),
    ("legal-hold", "ObjectLegalHold", ""),
    ("object-lock", "", "ObjectLockConfiguration"),
    ("attributes", "ObjectAttributes", ""),
    ("policy", "", "BucketPolicy"),
    ("location", "", "BucketLocation"),
    ("encryption", "", "BucketEncryption"),
    ("lifecycle", "", "BucketLifecycleConfiguration"),
    ("replication", "", "BucketReplication"),
    ("publicAccessBlock", "", "PublicAccessBlock"),
    ("requestPayment", "", "BucketRequestPayment"),
)
# The emulator answers these as if they were not there.
S3_ABSENT = ("metrics", "analytics", "intelligent-tiering", "torrent", "metadataTable")
_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Head", "POST": "Post"}


@dataclass(slots=True)
class Asked:
    """One request, read whole; `environ` can be read again by the emulator."""

    environ: Environ
    body: bytes
    method: str
    path: str
    query: dict[str, list[str]]
    access_key_id: str = ""
    region: str = ""
    service: str = ""
    action: str = ""
    protocol: Protocol = "rest-json"
    bucket: str = ""
    key: str = ""
    client_token: str = ""

    def header(self, name: str) -> str:
        """Return a header, empty when the request has none of that name."""
        variable = name.upper().replace("-", "_")
        if variable in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            return str(self.environ.get(variable, ""))
        return str(self.environ.get(f"HTTP_{variable}", ""))

    def replace_body(self, body: bytes) -> None:
        """Let the emulator read another body than the one that was sent."""
        self.body = body
        self.environ["wsgi.input"] = io.BytesIO(body)
        self.environ["wsgi.input_terminated"] = True
        self.environ["CONTENT_LENGTH"] = str(len(body))
        self.environ.pop("HTTP_TRANSFER_ENCODING", None)

    @property
    def writes_objects(self) -> bool:
        """Whether it can change an object of a bucket."""
        return self.service == "s3" and self.method in {"PUT", "POST", "DELETE"}


def read(environ: Environ) -> Asked:
    """Return what a request asks for."""
    stream = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    body = stream.read(int(length)) if length else stream.read() if environ.get("wsgi.input_terminated") else b""
    asked = Asked(
        environ=environ,
        body=body,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"),
        query=parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True),
    )
    asked.replace_body(body)
    _read_scope(asked)
    if asked.service == "s3":
        _read_s3(asked)
    elif target := asked.header("x-amz-target"):
        asked.protocol, asked.action = "json", target.rpartition(".")[2]
        asked.client_token = _token_of_json(body)
    elif "/operation/" in asked.path:
        asked.protocol, asked.action = "cbor", asked.path.rpartition("/")[2]
    elif asked.header("content-type").startswith("application/x-www-form-urlencoded"):
        asked.protocol = "ec2" if asked.service == "ec2" else "query"
        form = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        asked.action = form.get("Action", [""])[0]
        asked.client_token = form.get("ClientToken", [""])[0]
    return asked


def _read_scope(asked: Asked) -> None:
    """Read key, region and service from the scope of a version 4 signature, in the header or in the query."""
    scope = asked.query.get("X-Amz-Credential", [""])[0]
    authorization = asked.header("authorization")
    if authorization.startswith("AWS4-HMAC-SHA256") and "Credential=" in authorization:
        scope = authorization.partition("Credential=")[2].partition(",")[0]
    parts = scope.strip().split("/")
    if len(parts) == 5:  # noqa: PLR2004 — key, date, region, service, terminator
        asked.access_key_id, _, asked.region, asked.service, _ = parts


def _read_s3(asked: Asked) -> None:
    asked.protocol = "s3"
    asked.bucket, _, asked.key = asked.path.lstrip("/").partition("/")
    verb = _VERBS.get(asked.method, asked.method)
    absent = next((name for name in S3_ABSENT if name in asked.query), "")
    asked.action = f"{verb}:{absent}" if absent else _subresource(asked, verb) or _plain(asked, verb)


def _subresource(asked: Asked, verb: str) -> str:
    for name, of_object, of_bucket in S3_SUBRESOURCES:
        if name in asked.query and (noun := of_object if asked.key else of_bucket):
            return verb + noun
    return ""


def _plain(asked: Asked, verb: str) -> str:
    query, copies = asked.query, bool(asked.header("x-amz-copy-source"))
    if not asked.bucket:
        return "ListBuckets"
    if not asked.key:
        if asked.method == "POST":
            return "DeleteObjects" if "delete" in query else "PostObject"
        if asked.method != "GET":
            return {"PUT": "CreateBucket", "DELETE": "DeleteBucket", "HEAD": "HeadBucket"}.get(asked.method, verb)
        if "versions" in query:
            return "ListObjectVersions"
        if "uploads" in query:
            return "ListMultipartUploads"
        return "ListObjectsV2" if query.get("list-type") == ["2"] else "ListObjects"
    if "uploads" in query:
        return "CreateMultipartUpload"
    if "uploadId" in query:
        part = "UploadPartCopy" if copies else "UploadPart"
        by_method = {"PUT": part, "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}
        return by_method.get(asked.method, "ListParts")
    return "CopyObject" if copies and asked.method == "PUT" else f"{verb}Object"


def _token_of_json(body: bytes) -> str:
    try:
        document = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(document, dict):
        return ""
    return str(document.get("ClientToken") or document.get("clientToken") or document.get("ClientRequestToken") or "")
