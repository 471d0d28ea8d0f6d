#!/usr/bin/env bash
# The engine's tests once with each family of kernels that this machine has, or with those that are named: models beside their references, kernels beside exact
# sums, ways of generating. A line for each; ends with "N passed, N failed" alone on a line.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TESTINGPLATFORM_TELEMETRY_OPTOUT=1

# FAIRLEAD_BUILT=1 says that both are built already.
if [ -z "${FAIRLEAD_BUILT:-}" ]; then
  dotnet build src/Fairlead -c Release -v quiet --nologo && dotnet build tests/Fairlead.Engine.Tests -c Release -v quiet --nologo || { echo "0 passed, 1 failed"; exit 1; }
fi
families=("$@")
if [ $# = 0 ]; then
  there=$(src/Fairlead/bin/Release/net10.0/fairlead version --json) || { echo "0 passed, 1 failed"; exit 1; }
  IFS=, read -ra families <<<"$(sed 's/.*"kernels":\[\([^]]*\)\].*/\1/; s/"//g' <<<"$there")"
fi

passed=0
failed=0
for family in "${families[@]}"; do
  output=$(FAIRLEAD_KERNELS=$family timeout 1800 dotnet run --project tests/Fairlead.Engine.Tests -c Release --no-build -- --no-progress --filter-not-trait Category=Fuzz \
    --filter-class 'Fairlead.Engine.Tests.Architectures.*' 'Fairlead.Engine.Tests.Embeddings.*' 'Fairlead.Engine.Tests.Generation.*' 'Fairlead.Engine.Tests.Kernels.*' 'Fairlead.Engine.Tests.Layers.*' 2>&1)
  code=$?
  p=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' <<<"$output" | tail -1)
  f=$(sed -n 's/^ *failed: *\([0-9]*\).*/\1/p' <<<"$output" | tail -1)
  # No test at all, or a bad end without one that failed, is a failure of its own.
  if [ "${p:-0}" = 0 ] || { [ "$code" != 0 ] && [ "${f:-0}" = 0 ]; }; then
    f=$(( ${f:-0} + 1 ))
  fi
  [ "${f:-0}" != 0 ] && printf '%s\n' "$output" | grep -v '^ *at ' | tail -n 200
  printf '%-10s %5s passed  %3s failed\n' "$family" "${p:-0}" "${f:-0}"
  passed=$((passed + ${p:-0}))
  failed=$((failed + ${f:-0}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
