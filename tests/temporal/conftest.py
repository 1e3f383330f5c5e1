import pytest
from cryptography.fernet import Fernet

from slotsync.secrets import Vault


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def vault() -> Vault:
    return Vault([Fernet.generate_key().decode()])
