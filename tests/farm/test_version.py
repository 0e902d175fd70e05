"""The code version names the release and the sources."""

import re

import pricetime
from pricetime.farm.version import code_version


def test_it_is_the_release_and_a_digest() -> None:
    assert re.fullmatch(re.escape(pricetime.__version__) + r"\+[0-9a-f]{12}", code_version())
    assert code_version.__wrapped__() == code_version()
