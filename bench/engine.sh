#!/usr/bin/env bash
# Our engine beside llama.cpp and onnxruntime on the same weights, in turns: prompts, one answer, eight answers, first token, load, memory, encoders, and how
# cost grows. Prints Markdown tables. ENGINE_ROUNDS, ENGINE_THREADS, ENGINE_ONLY and ENGINE_TYPES narrow a run, ENGINE_SMOKE=1 makes it one of seconds
# (bench/Fairlead.Bench/EngineSettings.cs). ENGINE_KERNELS=avx2 or avxvnni holds ours and llama.cpp to what a processor without AVX-512 has.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v node >/dev/null || { echo "The other engines come by npm: node is needed." >&2; exit 1; }
if [ ! -d tests/llama/node_modules ]; then
  npm install --prefix tests/llama --no-save --omit=optional --ignore-scripts --no-audit --no-fund --silent
fi
if [ ! -d bench/peers/node_modules ] && [ -z "${ENGINE_SMOKE:-}" ]; then
  npm ci --prefix bench/peers --ignore-scripts --no-audit --no-fund --silent || echo "note: onnxruntime could not be installed" >&2
fi
case "${ENGINE_KERNELS:-}" in
  "") ;;
  avx2) export ENGINE_LLAMA=haswell ;;
  avxvnni) export ENGINE_LLAMA=alderlake ;;
  *) echo "ENGINE_KERNELS is avx2 or avxvnni, not $ENGINE_KERNELS." >&2; exit 1 ;;
esac
dotnet build bench/Fairlead.Bench -c Release -v quiet --nologo >&2
if [ -n "${ENGINE_KERNELS:-}" ]; then # after the build, whose speed it would be as well: .NET has no AVX-512 at all then, so that whatever chooses a width for itself does as there
  export FAIRLEAD_KERNELS=$ENGINE_KERNELS DOTNET_EnableAVX512=0
fi
exec bench/Fairlead.Bench/bin/Release/net10.0/Fairlead.Bench engine
