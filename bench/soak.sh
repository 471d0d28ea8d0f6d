#!/usr/bin/env bash
# Local models that come and go for an hour, or for the seconds given (at least 30): the gateway with three models and memory for two, asked, hung up on,
# stopped and killed. Prints one table; ends with 1 when memory, handles, threads or sockets were not flat, a failure was not explained, or anything was left.
set -euo pipefail
cd "$(dirname "$0")/.."
# FAIRLEAD_BINARY names a build that is there already.
[ -n "${FAIRLEAD_BINARY:-}" ] || ./fairlead version >/dev/null
dotnet build bench/Fairlead.Bench -c Release -v quiet --nologo >&2
exec bench/Fairlead.Bench/bin/Release/net10.0/Fairlead.Bench soak "${FAIRLEAD_BINARY:-$(./fairlead --print-binary)}" "${1:-3600}"
