import os
import stat
from pathlib import Path

import pytest

from pricetime.exchange.control import secrets
from pricetime.exchange.control.secrets import Owner, Secrets, SecretsError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secrets.toml"


def write(file: Path, text: str, mode: int = 0o600) -> None:
    file.write_text(text)
    file.chmod(mode)


SECRET = "00112233445566778899aabbccddeeff"


def test_owners_that_were_added_are_read(file: Path) -> None:
    first = secrets.add(file, 7, 'market "maker" \\ Zoë')
    second = secrets.add(file, 65535)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(first.secret) == 32
    assert first.secret != second.secret
    found = secrets.read(file)
    assert len(found) == 2
    assert (found[7], found[65535]) == (first, second)
    assert 8 not in found
    assert list(file.parent.iterdir()) == [file]


def test_who_follows_does_not_trade(file: Path) -> None:
    trader, follower = secrets.add(file, 7), secrets.add(file, 900, "standby", follows=True)
    found = secrets.read(file)
    assert (found.get(7), found.follower(7)) == (trader.secret, None)
    assert (found.get(900), found.follower(900)) == (None, follower.secret)
    assert (found.get(1), found.follower(1)) == (None, None)


def test_follows_is_true_or_false(file: Path) -> None:
    write(file, f'[owners.1]\nsecret = "{SECRET}"\nfollows = "yes"\n')
    with pytest.raises(SecretsError, match="follows is 'yes': give true or false"):
        secrets.read(file)


def test_what_stands_in_a_file_stays(file: Path) -> None:
    write(file, f'# keep this\n[owners.1]\nsecret = "{SECRET}"\n\n\n')
    secrets.add(file, 2, "two")
    assert file.read_text().startswith(f'# keep this\n[owners.1]\nsecret = "{SECRET}"\n\n[owners.2]\nname = "two"\n')
    assert secrets.read(file)[1] == Owner(1, "", bytes.fromhex(SECRET))


def test_an_owner_is_added_once(file: Path) -> None:
    secrets.add(file, 7)
    before = file.read_bytes()
    with pytest.raises(SecretsError, match=r"owner 7 is already in .*: give a different number"):
        secrets.add(file, 7)
    assert file.read_bytes() == before


@pytest.mark.parametrize("number", [0, -1, 65536])
def test_numbers_of_owners(file: Path, number: int) -> None:
    with pytest.raises(SecretsError, match="give a number from 1 to 65535"):
        secrets.add(file, number)
    assert not file.exists()


def test_names_can_be_printed(file: Path) -> None:
    with pytest.raises(SecretsError, match="give only printable characters"):
        secrets.add(file, 1, "a\nb")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o611])
def test_a_file_that_others_can_get_at(file: Path, mode: int) -> None:
    write(file, f'[owners.1]\nsecret = "{SECRET}"\n', mode)
    for attempt in (lambda: secrets.read(file), lambda: secrets.add(file, 2)):
        with pytest.raises(SecretsError) as raised:
            attempt()
        assert str(raised.value).endswith(f"has mode {mode:04o}, so other users can access it: chmod 600 {file}")


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(SecretsError, match="No such file or directory: `pricetime secret` creates one"):
        secrets.read(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_a_file_that_may_not_be_read(file: Path) -> None:
    write(file, "", 0o000)
    with pytest.raises(SecretsError, match="Permission denied"):
        secrets.read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("owners", "is not TOML"),
        ("owners = 1", r"write a table \[owners.NUMBER\] for each owner"),
        ("[others]", r"write a table \[owners.NUMBER\] for each owner"),
        ("[owners.one]", "owner one: give a number from 1 to 65535"),
        ("[owners.65536]", "owner 65536: give a number"),
        ("[owners.0]", "owner 0: give a number"),
        ("[owners]\n1 = 2", "owner 1: give only name, secret and"),
        ("[owners.1]\nsecrets = 1", "owner 1: give only name, secret and"),
        ("[owners.1]", "owner 1: the secret must be at least 16 bytes in hexadecimal digits"),
        ('[owners.1]\nsecret = "xy"', "the secret must be"),
        ('[owners.1]\nsecret = "0011"', "the secret must be"),
        ("[owners.1]\nsecret = 5", "the secret must be"),
        (f'[owners.1]\nname = 5\nsecret = "{SECRET}"', "the secret must be"),
    ],
)
def test_a_file_that_is_wrong(file: Path, text: str, message: str) -> None:
    write(file, text)
    with pytest.raises(SecretsError, match=message) as raised:
        secrets.read(file)
    assert "\n" not in str(raised.value)


def test_an_error_shows_no_secret(file: Path) -> None:
    write(file, f'[owners.1]\nsecret = "{SECRET}zz"\n')
    with pytest.raises(SecretsError) as raised:
        secrets.read(file)
    assert SECRET not in str(raised.value)
    assert SECRET not in repr(Owner(1, "", bytes.fromhex(SECRET)))


def test_secrets_by_owner() -> None:
    owners = Secrets({1: Owner(1, "", b"key")})
    assert owners.get(1) == b"key"
    assert owners.get(2) is None


def test_a_write_that_fails_leaves_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets.add(file, 1)
    before = file.read_bytes()

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        secrets.add(file, 2)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
