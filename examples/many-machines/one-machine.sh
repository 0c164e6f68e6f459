#!/usr/bin/env bash
# Evolves seeds with several workers on this machine: bash one-machine.sh SEEDS RUN_DIR WORKERS [OPTIONS]
#
# OPTIONS are those of `evolinstruct evolve`. GNU parallel starts the workers, or xargs where there
# is none. The same command goes on where it was stopped.
set -euo pipefail

seeds=$1 run=$2 workers=$3
shift 3

evolinstruct evolve "$seeds" -o "$run" "$@" --prepare --quiet

mkdir -p "$run.shards"
work=(evolinstruct work "$run" --shard "{}/$workers" -o "$run.shards/{}.sqlite" --quiet)
if parallel --version 2>/dev/null | grep -q GNU; then
    start=(parallel --jobs "$workers")
else
    start=(xargs -P "$workers" -I {})
fi
seq "$workers" | "${start[@]}" "${work[@]}" ||
    echo "Not every shard has all of its replies; evolve asks for what is missing." >&2

evolinstruct merge "$run" "$run.shards"/*.sqlite
evolinstruct evolve "$seeds" -o "$run" "$@"
