"""What a program started by another one does when that one is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]
CHILD = "from tools.dev.process import end_with_parent; end_with_parent(); "
CHILD += "import time; print('up', flush=True); time.sleep(60)"
PARENT = f"""
import sys, time
from tools.dev import process
with process.running([sys.executable, "-c", {CHILD!r}], lifeline=True) as child:
    print(child.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kill -9 is a POSIX signal: run on Linux")
def test_a_program_with_a_lifeline_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert "up" == parent.stdout.readline().strip()
        assert child.is_running()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    gone, alive = psutil.wait_procs([child], timeout=5)
    assert ([child], []) == (gone, alive)
