"""`python -m tests.cluster.wrong_clock serve ...`: Palimpsest on a machine with a wrong clock.

It is wrong by PALIMPSEST_TEST_CLOCK hours.
"""
# ruff: noqa: E402

import os
import time

HOURS = float(os.environ["PALIMPSEST_TEST_CLOCK"])
real_time, real_time_ns = time.time, time.time_ns
time.time = lambda: real_time() + HOURS * 3600
time.time_ns = lambda: real_time_ns() + int(HOURS * 3600) * 1_000_000_000

from editor import cli

if __name__ == "__main__":
    cli.main()
