#!/usr/bin/env bash
# Compares the gateway with nginx, HAProxy and Portkey's gateway on this machine in one run and prints a Markdown table.
# BENCH_ROUNDS (5) and BENCH_SECONDS (3) set how long it takes; BENCH_ONLY and BENCH_ROWS narrow it. Below the table
# stands what a translated stream costs beside a relayed one. Exits non-zero only when the comparison itself could not be made.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx)
command -v haproxy >/dev/null || [ -x /usr/sbin/haproxy ] || missing+=(haproxy)
if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" = 0 ]; then
  apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 || echo "could not install ${missing[*]}: left out" >&2
fi
export PATH="$PATH:/usr/sbin"
portkey=.build/bench-clients/node_modules/@portkey-ai/gateway/build/start-server.js
if [ ! -f "$portkey" ] && command -v npm >/dev/null; then
  mkdir -p .build/bench-clients
  npm install --prefix .build/bench-clients --no-audit --no-fund --silent @portkey-ai/gateway@1.15.2 >&2 || echo "could not install Portkey's gateway: left out" >&2
fi
./fairlead version >/dev/null
dotnet build bench/Fairlead.Bench -c Release -v quiet --nologo >&2
binary=$(./fairlead --print-binary)
run=(bench/Fairlead.Bench/bin/Release/net10.0/Fairlead.Bench "$binary" "$portkey")
if [ "$(nproc)" -gt 1 ] && command -v taskset >/dev/null; then
  taskset -c 0 "${run[@]}"
else
  echo "one processor or no taskset: nothing is pinned" >&2
  "${run[@]}"
fi
