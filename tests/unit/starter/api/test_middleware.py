import statistics
import time

from pydantic import SecretStr

from starter.api.middleware import ApiKeys
from tests.support.settings import KEY


def test_the_keys_themselves_are_not_kept() -> None:
    keys = ApiKeys([SecretStr(KEY), SecretStr("schlüssel")])
    assert keys.allow("schlüssel".encode())
    assert KEY not in repr(vars(keys))


def test_a_key_that_is_nearly_right_takes_no_longer_than_one_that_is_not() -> None:
    keys = ApiKeys([SecretStr("k" * 4000)])
    near, far = b"k" * 3999 + b"x", b"x" * 4000

    def seconds(key: bytes) -> float:
        started = time.perf_counter()
        for _ in range(50):
            assert not keys.allow(key)
        return time.perf_counter() - started

    pairs = [(seconds(near), seconds(far)) for _ in range(40)]
    ratio = statistics.median(near / far for near, far in pairs)
    assert 0.8 < ratio < 1.25
