# SPDX-License-Identifier: Apache-2.0
"""The small pieces of a login, by Google Benchmark."""

import json
import subprocess


def pieces(run):
    """{piece: nanoseconds of processor time}: medians of repetitions."""
    made = subprocess.run([f"{run.bench.build}/tests/bench/bench_pieces",
                           "--benchmark_format=json", "--benchmark_report_aggregates_only=true",
                           f"--benchmark_repetitions={max(3, run.rounds)}",
                           "--benchmark_min_time=0.1"], check=True, capture_output=True, text=True)
    return {one["run_name"]: one["cpu_time"] for one in json.loads(made.stdout)["benchmarks"]
            if one["aggregate_name"] == "median"}
