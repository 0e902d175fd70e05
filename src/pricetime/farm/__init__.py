"""The replay farm: verifies journals, runs scripts over them, and sweeps parameters, on all processors with Ray.

A task is a pure function of its inputs and of the code version, so it may run again anywhere. Ray is in the extra
``farm``::

    with Farm() as farm:
        results = Work(farm.perform).run(verify_tasks(journals([folder])))

A script's ``run(replay)`` gets a ``JournalReplay``, which needs no extra.
"""

from __future__ import annotations

from .errors import FarmError, InvalidResults, InvalidScript, NoFarm, NoJournal
from .farm import Farm
from .grid import grid, parse_values
from .journal_replay import JournalReplay, Step
from .journals import journals
from .result import Incident, Result
from .script import Script
from .store import Store
from .task import run_tasks, sweep_tasks, verify_tasks
from .work import Work, in_this_process

__all__ = [
    "Farm",
    "FarmError",
    "Incident",
    "InvalidResults",
    "InvalidScript",
    "JournalReplay",
    "NoFarm",
    "NoJournal",
    "Result",
    "Script",
    "Step",
    "Store",
    "Work",
    "grid",
    "in_this_process",
    "journals",
    "parse_values",
    "run_tasks",
    "sweep_tasks",
    "verify_tasks",
]
