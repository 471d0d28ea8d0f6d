#!/usr/bin/env bash
# Our engine beside llama.cpp on the same files: prompts, one answer, eight answers, first token, load, memory, and how cost grows. Prints Markdown tables.
# ENGINE_ROUNDS, ENGINE_THREADS, ENGINE_ONLY and ENGINE_TYPES narrow a run (bench/Fairlead.Bench/EngineBench.cs).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v node >/dev/null || { echo "llama.cpp comes by npm: node is needed." >&2; exit 1; }
if [ ! -d tests/llama/node_modules ]; then
  npm install --prefix tests/llama --no-save --omit=optional --ignore-scripts --no-audit --no-fund --silent
fi
dotnet build bench/Fairlead.Bench -c Release -v quiet --nologo >&2
exec bench/Fairlead.Bench/bin/Release/net10.0/Fairlead.Bench engine
