#!/usr/bin/env bash
# Installs what the tests need and runs all of them. Ends with "N passed, N failed" alone on a line.
# FAIRLEAD_CRASH_ROUNDS (20) makes the crash test longer, FAIRLEAD_FUZZ_SECONDS (20, for each fuzzer) the fuzzers,
# which begin at FAIRLEAD_FUZZ_SEED (20260), FAIRLEAD_SOAK_SECONDS (30; 300 at night) the soak of local models.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TESTINGPLATFORM_TELEMETRY_OPTOUT=1

command -v dotnet >/dev/null || { echo "The tests need the .NET 10 SDK (dotnet)." >&2; exit 1; }
install() { # package, and how to tell that it is there
  "${@:2}" >/dev/null 2>&1 && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { [ -n "${updated:-}" ] || { apt-get update -qq && updated=1; }; } && apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1
  fi
  "${@:2}" >/dev/null 2>&1 || echo "note: $1 is not installed and could not be; tests that need it will fail" >&2
}
install libsqlite3-0 sh -c 'ls /usr/lib/*/libsqlite3.so.0 /usr/lib/libsqlite3* 2>/dev/null | grep -q .'
install nodejs command -v node
install npm command -v npm
# Installed once, and again when the lock file is newer: npm leaves a copy of it behind.
if command -v npm >/dev/null && [ ! tests/clients/node_modules/.package-lock.json -nt tests/clients/package-lock.json ]; then
  npm ci --prefix tests/clients --no-audit --no-fund --silent || echo "note: the npm clients could not be installed" >&2
fi
# llama.cpp for the comparison of engines: 85 MB. Not `npm ci`: this wants the other platforms' packages in the lock file, and they are left out here.
if [ "$(uname -sm)" = "Linux x86_64" ] && command -v npm >/dev/null && [ ! -d tests/llama/node_modules ]; then
  npm install --prefix tests/llama --no-save --omit=optional --ignore-scripts --no-audit --no-fund --silent || echo "note: llama.cpp could not be installed" >&2
fi
# A real llama-server, which the gateway starts as an external engine: 15 MB of packages of Debian's, unpacked and not installed.
if [ "$(uname -sm)" = "Linux x86_64" ]; then
  tests/llama/install-server.sh || echo "note: llama-server could not be had" >&2
fi

dotnet build Fairlead.slnx -c Release -v quiet --nologo || { echo "0 passed, 1 failed"; exit 1; }

passed=0
failed=0
tally() { # name, exit code, output: adds a project's counts and shows what went wrong
  local p f
  # "succeeded:" and "failed:" are the runner's own closing lines.
  p=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' <<<"$3" | tail -1)
  f=$(sed -n 's/^ *failed: *\([0-9]*\).*/\1/p' <<<"$3" | tail -1)
  if [ -z "$p" ] || { [ "$2" != 0 ] && [ "${f:-0}" = 0 ]; }; then
    f=$(( ${f:-0} + 1 ))
  fi
  [ "${f:-0}" != 0 ] && printf '%s\n' "$3" | sed '/^skipped /,+1d; /^ *at /d' | tail -n 200
  sed -n '/^skipped /{n;s/^ */note: did not run: /p}' <<<"$3"
  printf '%-28s %5s passed  %3s failed\n' "$1" "${p:-0}" "${f:-0}"
  passed=$((passed + ${p:-0}))
  failed=$((failed + ${f:-0}))
}

# What runs beside the rest: its words and its exit code are kept until they are counted.
said=$(mktemp -d)
others=()
trap 'kill "${others[@]}" 2>/dev/null; rm -rf "$said"' EXIT
aside() { # name, priority (nice), seconds (0: any), project, the runner's options
  nice -n "$2" timeout "$3" dotnet run --project "tests/$4" -c Release --no-build -- --no-progress "${@:5}" >"$said/$1" 2>&1 &
  trap "kill $!; exit" TERM # timeout ends with all that it has started
  wait $!
  echo $? >"$said/$1.code"
}

# Two projects at a time: these wait for processes and clocks more than they compute; all others compute, and give way.
# The gateway's come last, when hardly more than the fuzzers are left beside them: their providers have seconds for an answer, not minutes.
waiting="Fairlead.Conformance Fairlead.Fleet.Tests Fairlead.Tests Fairlead.Upstreams.Tests Fairlead.Worker.Tests Fairlead.Gateway.Tests"
computing=$(basename -s .csproj tests/*/*.csproj | grep -vxF "${waiting// /$'\n'}")
# The goldens once more with the reference kernels and the second fastest; tests/kernels.sh has all families, and all tests that they concern.
IFS=, read -ra kernels <<<"$(src/Fairlead/bin/Release/net10.0/fairlead version --json | sed 's/.*"kernels":\[\([^]]*\)\].*/\1/; s/"//g')"
kernels=("${kernels[@]:0:${#kernels[@]}-1}")
[ ${#kernels[@]} -gt 2 ] && kernels=("${kernels[0]}" "${kernels[-1]}")
{
  for project in $computing; do
    aside "$project" 10 900 "$project" --filter-not-trait Category=Fuzz
  done
  for family in "${kernels[@]}"; do
    FAIRLEAD_KERNELS=$family aside "Goldens, $family" 10 900 Fairlead.Engine.Tests --filter-class '*.GoldenDecoderTests' '*.EncoderGoldens' '*.GuideDecoderTests'
  done
  # The fuzzers last: by then nothing else computes, and at the lowest priority they have the time that is left over.
  # Their files live in memory where that is to be had: thousands of small ones would hold up every fsync of the tests beside them.
  scratch=${TMPDIR:-/tmp}
  [ -d /dev/shm ] && [ -w /dev/shm ] && scratch=/dev/shm
  fuzzers=()
  for suite in Protocols Engine; do
    TMPDIR=$scratch FAIRLEAD_FUZZ_SECONDS=${FAIRLEAD_FUZZ_SECONDS:-20} aside "Fuzzers of $suite" 19 0 "Fairlead.$suite.Tests" --filter-trait Category=Fuzz &
    fuzzers+=($!)
  done
  trap 'kill "${fuzzers[@]}"; exit' TERM
  wait "${fuzzers[@]}"
} &
others+=($!)
for project in $waiting; do
  output=$(timeout 900 dotnet run --project "tests/$project" -c Release --no-build -- --no-progress --filter-not-trait Category=Fuzz 2>&1)
  tally "$project" $? "$output"
done
wait "${others[@]}"
others=()
while read -r suite; do
  tally "$suite" "$(cat "$said/$suite.code")" "$(cat "$said/$suite")"
done < <(printf '%s\n' $computing "${kernels[@]/#/Goldens, }" "Fuzzers of Protocols" "Fuzzers of Engine")

# Local models that come and go, with nothing beside them; an hour of it is bench/soak.sh alone.
if output=$(FAIRLEAD_BINARY=src/Fairlead/bin/Release/net10.0/fairlead timeout 900 bench/soak.sh "${FAIRLEAD_SOAK_SECONDS:-30}" 2>&1); then
  tally "Soak" 0 "succeeded: 1"$'\n'"failed: 0"
else
  tally "Soak" 1 "$(grep -v " info: " <<<"$output")"$'\n'"succeeded: 0"$'\n'"failed: 1"
fi
# The comparison of engines in little: that it runs and prints its tables, not what stands in them.
if [ -d tests/llama/node_modules ]; then
  output=$(ENGINE_SMOKE=1 timeout 300 bench/engine.sh 2>&1)
  code=$?
  for table in '| | Fairlead | llama.cpp |' 'Cost of a token as the context grows' 'Cost of a token as the number of answers at once grows' 'Cost of a token as the model grows'; do
    grep -qF "$table" <<<"$output" || { code=1; output+=$'\n'"There is no table '$table'."; }
  done
  tally "Engine bench" "$code" "$output"$'\n'"succeeded: $((code == 0))"$'\n'"failed: $((code != 0))"
else
  echo "note: did not run: the comparison of engines, for want of llama.cpp"
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
