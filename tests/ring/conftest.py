"""The ring is of the compiled form alone: in the pure form its tests are not even collected."""

import pricetime

if not pricetime.COMPILED:
    collect_ignore_glob = ["test_*.py"]
