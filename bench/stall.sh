#!/usr/bin/env bash
# How long streams wait for their next token while long prompts are read beside them, through gateway and worker: bench/stall.sh MODEL [TOKENS]. MODEL is a .gguf file or a folder,
# TOKENS a prompt's length (2,000 unless given). Prints a Markdown table.
set -euo pipefail
[ $# -ge 1 ] && [ -e "$1" ] || { echo "usage: bench/stall.sh MODEL [TOKENS]; MODEL is a .gguf file or a folder" >&2; exit 2; }
model=$(realpath "$1")
tokens=${2:-2000}
[[ $tokens =~ ^[1-9][0-9]*$ ]] || { echo "A prompt has a whole number of tokens, not '$tokens'." >&2; exit 2; }
cd "$(dirname "$0")/.."
./fairlead version >/dev/null
dotnet build bench/Fairlead.Bench -c Release -v quiet --nologo >&2
exec bench/Fairlead.Bench/bin/Release/net10.0/Fairlead.Bench served-stall "$(./fairlead --print-binary)" "$model" "$tokens"
