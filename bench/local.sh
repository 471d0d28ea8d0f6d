#!/usr/bin/env bash
# What the gateway costs in front of a model of its own beside asking the model's worker on its socket, and what a cold start takes. Prints a Markdown table.
set -euo pipefail
cd "$(dirname "$0")/.."
./fairlead version >/dev/null
dotnet build bench/Fairlead.Bench -c Release -v quiet --nologo >&2
exec bench/Fairlead.Bench/bin/Release/net10.0/Fairlead.Bench local "$(./fairlead --print-binary)"
