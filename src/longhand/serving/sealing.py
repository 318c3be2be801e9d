"""Where a text was left, as a string that a client keeps and sends back: signed, and good for some hours.

So the server remembers nobody, and any server with the same key can go on with the text. A string tells those who have
it what the text's state tells (it is not encrypted), but nobody without the key can make one.
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from itsdangerous import BadSignature, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode, want_bytes

from longhand.errors import ModelFormatError
from longhand.generation.saved import WritingState, state_of_bytes
from longhand.serving.problems import ApiError

FEWEST = 16  # bytes of a key


class _Signer(TimestampSigner):
    """Knows a signature in one spelling alone: the last character of base64 has bits that say nothing."""

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """See `itsdangerous.Signer`."""
        return super().verify_signature(value, sig) and want_bytes(sig) == self.get_signature(value)


class Sealer:
    """Makes strings of states, and states of strings.

    - key: what signs them; without one they are good for as long as the server runs
    - seconds: for how long
    """

    def __init__(self, key: bytes | None, seconds: float) -> None:
        key = secrets.token_bytes(32) if key is None else key
        self._signer = _Signer(key, salt="longhand.state", key_derivation="hmac", digest_method=sha256)
        self._seconds = int(seconds)

    def seal(self, state: WritingState) -> str:
        """Return a state as a string."""
        return self._signer.sign(base64_encode(state.to_bytes())).decode("ascii")

    def open(self, sealed: str) -> WritingState:
        """Return the state that a string stands for; raises `ApiError` for one not made here, or too old."""
        try:
            value, signed = self._signer.unsign(sealed, return_timestamp=True)
            if self._signer.get_timestamp() - signed.timestamp() > self._seconds:  # another server's clock may be ahead
                raise ApiError(
                    400,
                    "state: too old to go on with: send the text so far as prompt",
                    param="state",
                    code="state_expired",
                )
            return state_of_bytes(base64_decode(value))
        except (BadSignature, ModelFormatError, UnicodeError):
            raise ApiError(
                400,
                "state: not one that this server returned, or that another one did before it was started anew: send "
                "the text so far as prompt",
                param="state",
                code="state_invalid",
            ) from None
