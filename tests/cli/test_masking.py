"""What of an address is shown: enough to know which it is, nothing that opens it."""

from __future__ import annotations

import pytest

from esl_vm.model.masking import mask_url, mask_urls


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://u:s3cret@host:6379/2", "redis://u:****@host:6379/2"),
        ("redis://at:pa@ss@host", "redis://at:****@host"),
        ("redis://:a/b?c#d@e@host/1", "redis://:****@host/1"),
        ("rediss://:s3cret@host/0?ssl_keyfile=/k&password=x", "rediss://:****@host/0?ssl_keyfile=****&password=****"),
        ("redis+sentinel://a,b/vm?db=1&sentinel_password=p@s", "redis+sentinel://a,b/vm?db=1&sentinel_password=****"),
        ("redis+cluster://u:p:q@a:1,b:2", "redis+cluster://u:****@a:1,b:2"),
        ("unix:/run/redis.sock?password=s3cret&db=1", "unix:/run/redis.sock?password=****&db=1"),
        ("https://hooks.example.com/services/T0/B0/s3cret", "https://hooks.example.com/****"),
        ("https://hooks.example.com:8443/?sig=s3cret", "https://hooks.example.com:8443/****"),
        ("https://hooks.example.com?auth=s3cret", "https://hooks.example.com/****"),
        ("https://s3cret@hooks.example.com/x", "https://****@hooks.example.com/****"),
        ("https://u:s3@cret@hooks.example.com", "https://****@hooks.example.com"),
        ("HTTPS://u:s3/cret@hooks.example.com", "HTTPS://****"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("https://minio.example.com:9000", "https://minio.example.com:9000"),
    ],
)
def test_a_secret_in_an_address_is_not_shown(url, shown):
    assert mask_url(url) == shown
    assert "s3" not in mask_url(url)


def test_every_address_in_a_sentence_is_masked():
    said = "POST https://a.example/x?sig=s3cret: 500, after redis://:s3cret@b/0 'http://c.example/s3cret'"
    assert mask_urls(said) == "POST https://a.example/**** 500, after redis://:****@b/0 'http://c.example/****'"
