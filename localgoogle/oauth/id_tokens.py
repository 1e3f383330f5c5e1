"""Issue signed id_tokens, which identify the user, and publish the key that verifies them."""

from base64 import urlsafe_b64encode
from functools import cached_property
from hashlib import sha256

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt, jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localgoogle.protocol.json_values import JsonObject
from localgoogle.protocol.scopes import EMAIL
from localgoogle.state.accounts import GoogleAccounts
from localgoogle.state.grants import ACCESS_TOKEN_LIFETIME, Caller

_ISSUER = "https://accounts.google.com"
_KEY_ID = "local"


class IdTokens:
    """Signs with a key of this process, generated on first use; ``certificates`` publishes its public half."""

    def __init__(self, accounts: GoogleAccounts) -> None:
        self._accounts = accounts

    def issue(self, caller: Caller, access_token: str, nonce: str = "") -> str:
        """Return the id_token that goes with an access token."""
        claims = self._build_claims(caller, access_token, nonce)
        signed: bytes = jwt.encode(self._signer, claims)  # type: ignore[no-untyped-call]  # google-auth has no types here
        return signed.decode()

    async def certificates(self, _: Request) -> Response:
        """Return the public key under its id, in the JSON that ``google.oauth2.id_token`` reads."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        public = self._key.public_key().public_bytes(serialization.Encoding.PEM, form)
        return JSONResponse({_KEY_ID: public.decode()})

    def _build_claims(self, caller: Caller, access_token: str, nonce: str) -> JsonObject:
        now = self._accounts.grants.clock()
        claims: JsonObject = {
            "iss": _ISSUER,
            "azp": caller.client_id,
            "aud": caller.client_id,
            "sub": self._accounts.get(caller.email).sub,
            "at_hash": urlsafe_b64encode(sha256(access_token.encode()).digest()[:16]).decode().rstrip("="),
            "iat": int(now.timestamp()),
            "exp": int((now + ACCESS_TOKEN_LIFETIME).timestamp()),
        }
        if EMAIL in caller.scopes:
            claims |= {"email": caller.email, "email_verified": True}
        return claims | ({"nonce": nonce} if nonce else {})

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def _signer(self) -> crypt.Signer:
        return crypt.RSASigner(self._key, _KEY_ID)  # type: ignore[no-untyped-call]  # google-auth has no types here
