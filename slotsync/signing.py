"""Sign what comes back from outside: links and cookies."""

from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from itsdangerous import URLSafeTimedSerializer

from slotsync.settings import Settings


def create_signer(settings: Settings, purpose: str) -> URLSafeTimedSerializer:
    """Return a serializer for one purpose that signs with the newest key and accepts signatures of all keys.

    The keys are derived from those of the database's secrets (HKDF), which sign nothing themselves.
    """
    keys = [_derive_key(key.get_secret_value(), purpose) for key in reversed(settings.encryption_keys)]
    return URLSafeTimedSerializer(keys, salt=f"slotsync:{purpose}")


def _derive_key(key: str, purpose: str) -> bytes:
    info = f"slotsync:signing:{purpose}".encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(urlsafe_b64decode(key))
