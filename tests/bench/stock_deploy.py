"""What pyinfra's own command is given: the hundred tasks, as the environment says."""

from __future__ import annotations

import os
from pathlib import Path

from as_pyinfra import hundred_tasks

hundred_tasks(Path(os.environ["BENCH_SOURCES"]), int(os.environ["BENCH_CHANGED"]), os.environ["BENCH_VALUE"])
