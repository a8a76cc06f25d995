"""What a store on S3 says when it says no, or nothing, in words with a next step."""

from ..errors import ConfigError, Unreachable
from .s3place import Place
from .store import OutOfReach

_GONE = {"NoSuchKey", "NotFound", "404", "NoSuchUpload", "NoSuchVersion"}
_THERE = {"PreconditionFailed", "412", "ConditionalRequestConflict", "OperationAborted", "409"}
_NOT_DONE = {"NotImplemented", "501"}
_NO_BYTES = {"InvalidRange", "416"}

_RIGHTS = (
    "s3:ListBucket, s3:ListBucketMultipartUploads, s3:GetObject, s3:PutObject, s3:DeleteObject and "
    "s3:AbortMultipartUpload"
)
_KEYS = (
    "Give a key that this store knows: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or "
    "credentials_file."
)
_REGION = "Name the region of the bucket with region=, and its endpoint_url."
_GRANT = f"Grant the key {_RIGHTS} on {{bucket}} and what is in it."
_LOCK = (
    "immutable_days needs a bucket that was made for it: aws s3api create-bucket --bucket {bucket} "
    "--object-lock-enabled-for-bucket"
)
_HERE = {  # what this machine says wrong of the place
    "NoSuchBucket": "Correct the name, or make it: aws s3 mb s3://{bucket}",
    "InvalidBucketName": "Correct the name: three characters and more, no capitals.",
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "InvalidToken": _KEYS,
    "ExpiredToken": _KEYS,
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
}
_HINTS = {
    **_HERE,
    "RequestTimeTooSkewed": "Set the clock of this machine: timedatectl",
    "AccessDenied": _GRANT,
    "AllAccessDisabled": _GRANT,
    "403": _GRANT,
}
_ELSE = "Look whether the store is well, then try it again: aws s3 ls {bare}"
_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile or a credentials_file in "
    "the place of the repository."
)
_WITHOUT = {  # kinds of failure before anything is asked
    "NoCredentialsError": ("there are no credentials for it", _CREDENTIALS),
    "PartialCredentialsError": ("there are half credentials for it", _CREDENTIALS),
    "CredentialRetrievalError": ("its credentials are not to be had", _CREDENTIALS),
    "ProfileNotFound": ("there is no such profile", "See them: aws configure list-profiles"),
    "NoRegionError": ("it has no region", "Name it with region="),
}


class NotDone(OutOfReach):
    """The store does not do what was asked."""


class NoBytes(OutOfReach):
    """The object has none of the bytes that were asked for."""


class Astray(OutOfReach):
    """What this machine says of the place is wrong, as a folder that is not there."""

    exit_code = ConfigError.exit_code


class NoAnswer(OutOfReach):
    """No store answered."""

    exit_code = Unreachable.exit_code


_KINDS: dict[str, type[OutOfReach]] = {
    **dict.fromkeys(_NOT_DONE, NotDone),
    **dict.fromkeys(_NO_BYTES, NoBytes),
    **dict.fromkeys(_HERE, Astray),
}


def told(exc: Exception, place: Place, key: str, within_s: float) -> Exception:
    """Return the error for `exc`, which came of a question about `key`."""
    code = _code(exc)
    if code in _GONE:
        return FileNotFoundError(key)
    if code in _THERE:
        return FileExistsError(key)
    said = str(getattr(exc, "strerror", None) or exc) or type(exc).__name__
    if code:
        kind = _KINDS.get(code, OutOfReach)
        hint = _LOCK if "Object" in said and "Lock" in said else _HINTS.get(code, _ELSE)
        words = {"bucket": place.bucket, "bare": place.bare}
        return kind(f"{place.bare}: {said} ({code})", hint=hint.format(**words))
    known = _WITHOUT.get(type(exc).__name__)
    if known is not None:
        return Astray(f"{place.bare}: {known[0]}", hint=known[1])
    if isinstance(exc, TimeoutError):
        said = f"no answer within {within_s:.0f} s"
    where = place.endpoint_url or "S3"
    return NoAnswer(
        f"{place.bare}: {said}",
        hint=f"Look whether {where} can be reached from here: its address, proxy, firewall.",
    )


def _code(exc: BaseException) -> str:
    """Return S3's word for what is wrong; none where S3 did not answer."""
    for each in (exc, exc.__cause__):
        answer = getattr(each, "response", None)
        if isinstance(answer, dict):
            return str(answer.get("Error", {}).get("Code", ""))
    return ""
