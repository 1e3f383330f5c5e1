"""Addresses are taken as browsers read them, so that none of their spellings goes round a check."""

import pytest

from slotsync.domain.web_address import check_web_address


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://platform.example",
        "https://platform.example:8443/back?tour=1&x=%5C#end",
        "https://user:pass@platform.example/hook",
        "https://käyttäjä.example/ä",
        "https://10.0.0.1/",
        "https://[2001:db8::1]/",
        "http://localhost:8080/",
        "http://app.localhost./",
        "http://127.0.0.1:9/",
        "http://[::1]/",
    ],
)
def test_a_good_address_is_taken_to_the_letter(url: str) -> None:
    assert check_web_address(url) == url


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.169.254.",
        "2852039166",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "\uff11\uff16\uff19.254.169.254",
        "169%2e254.169.254",
        "user@169.254.169.254",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fe80::1]",
    ],
)
def test_every_spelling_of_a_link_local_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="is a link-local address"):
        check_web_address(f"https://{host}/latest/meta-data")


@pytest.mark.parametrize(
    "url",
    [
        "https://x/\ud800",
        "https://x/\x00",
        "https://x/\r\nSet-Cookie: a=b",
        "https://x/\t",
        "https://x/\x7f",
        "https://x/\u200b",
        "https://x/\u2028",
        "https://x/a b",
        "http://evil.example\\@localhost/",
        "http://localhost\\@evil.example/",
    ],
)
def test_what_programs_read_in_different_ways_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="has a space, a backslash or a character that cannot be seen"):
        check_web_address(url)


@pytest.mark.parametrize(
    "url", ["https://", "https:///x", "https://[::1", "https://[x]/", "https://x:99999/", "https://\u2100.com/"]
)
def test_an_address_without_a_readable_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="names no host that can be read"):
        check_web_address(url)


@pytest.mark.parametrize(
    "url", ["http://evil.example/", "http://localhost@evil.example/", "http://127.0.0.1.example/", "http://10.0.0.1/"]
)
def test_plain_http_leads_to_this_machine_only(url: str) -> None:
    with pytest.raises(ValueError, match="must start with https://, unless it is on this machine"):
        check_web_address(url)
