#!/usr/bin/env bash
# The engine's kernels and models beside their references on a 64-bit Arm processor that is emulated (QEMU's Neoverse N1, which has the dot product of bytes): that they are
# right there, not how fast. Needs apt and x86-64; about ten minutes. Arm's C library and the tests built for it are kept in FAIRLEAD_ARM, in the user's cache where that is not
# set, and nothing of Arm's is installed. Ends with "N passed, N failed" alone on a line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TESTINGPLATFORM_TELEMETRY_OPTOUT=1
kept=${FAIRLEAD_ARM:-${XDG_CACHE_HOME:-$HOME/.cache}/fairlead-arm}
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "no apt here" >&2; exit 1; }
if ! command -v qemu-aarch64 >/dev/null; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends qemu-user >/dev/null; } || { echo "qemu-user is not installed and could not be" >&2; exit 1; }
fi

if [ ! -d "$kept/root" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work"/{lists,cache}/partial "$work/debs" "$work/root" "$kept"
  : >"$work/status"
  apart=(-qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
    -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
  apt-get "${apart[@]}" update
  (cd "$work/debs" && apt-get "${apart[@]}" download libc6 libgcc-s1 libssl3 libstdc++6 zlib1g)
  for package in "$work"/debs/*.deb; do
    dpkg-deb --extract "$package" "$work/root"
  done
  mv "$work/root" "$kept/root"
fi

# In a copy: what is built for another processor changes the lock files.
rm -rf "$kept/fairlead"
mkdir -p "$kept/fairlead"
git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for file; do [ ! -f "$file" ] || printf "%s\0" "$file"; done' _ | tar --null --files-from=- --create | tar --extract --directory "$kept/fairlead"
[ ! -d ../shared ] || ln -sfn "$(realpath ../shared)" "$kept/shared" # where the tests look for it
tests=$kept/fairlead/tests/Fairlead.Engine.Tests
env -u CI dotnet publish "$tests" -c Release -r linux-arm64 --self-contained -v quiet --nologo -o "$tests/bin/arm" || { echo "0 passed, 1 failed"; exit 1; }

# The emulator does not see code that is written by way of a second mapping of its memory.
export DOTNET_EnableWriteXorExecute=0
passed=0
failed=0
for classes in 'Fairlead.Engine.Tests.Kernels.*' '*.GoldenDecoderTests *.EncoderGoldens *.GuideDecoderTests'; do
  read -ra filters <<<"$classes"
  code=0
  output=$(timeout 1800 qemu-aarch64 -L "$kept/root" -cpu neoverse-n1 "$tests/bin/arm/Fairlead.Engine.Tests" --no-progress --filter-class "${filters[@]}" 2>&1) || code=$?
  p=$(sed -n 's/^ *succeeded: *\([0-9]*\).*/\1/p' <<<"$output" | tail -1)
  f=$(sed -n 's/^ *failed: *\([0-9]*\).*/\1/p' <<<"$output" | tail -1)
  # No test at all, or a bad end without one that failed, is a failure of its own.
  if [ "${p:-0}" = 0 ] || { [ "$code" != 0 ] && [ "${f:-0}" = 0 ]; }; then
    f=$(( ${f:-0} + 1 ))
  fi
  [ "${f:-0}" = 0 ] || printf '%s\n' "$output" | { grep -v '^ *at ' || true; } | tail -n 200
  printf '%-60s %5s passed  %3s failed\n' "$classes" "${p:-0}" "${f:-0}"
  passed=$((passed + ${p:-0}))
  failed=$((failed + ${f:-0}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
