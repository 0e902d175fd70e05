"""A command in the journal asks the heap for nothing: as many allocations for 300,000 as for 30,000."""

from pathlib import Path

import pytest

from tests.counting import counted

#: As many calls each time, of few commands and of many (Python keeps numbers below 257, so that even few are more);
#: between them the page is turned, as before each sync.
COUNTED = """
from pathlib import Path
from tests.log import written
from tests.log.files import Files

def count_of(size):
    folder = Path(sys.argv[1]) / str(size)
    folder.mkdir()
    files = Files(folder, segment_bytes=2**25)
    parts = [written.orders(size, first=1 + n * size) for n in range(100)]
    files.writer.append_records(parts[0])
    before = allocations()
    for part in parts[1:]:
        if files.writer.append_records(part) != size:
            raise SystemExit("the journal had no room")
        files.writer.turn()
        files.writer.publish_synced(1)
    after = allocations()
    sequence = files.writer.appended
    files.writer.close()
    return after - before, sequence

count_of(301)
print(json.dumps([count_of(300), count_of(3000)]))
"""


@pytest.mark.compiled
def test_as_many_for_many_commands_as_for_few(tmp_path: Path) -> None:
    (few, fewer_commands), (many, commands) = counted(COUNTED, tmp_path, str(tmp_path))
    assert (fewer_commands, commands) == (30_000, 300_000)
    assert 0 < few == many, f"{few} allocations for 30,000 commands, {many} for 300,000"
