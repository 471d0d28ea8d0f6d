#!/usr/bin/env bash
# Puts llama.cpp's own server into tests/llama/server: 15 MB of Debian's packages, and as much for their list. Nothing is installed: the packages
# are unpacked there, C library and all, since the release this runs on is older than they are. Needs apt and x86-64; says why where it cannot.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
[ -x server/llama-server ] && exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || { echo "no apt here" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists,cache}/partial "$work/debs" "$work/root"
# The archive that this system uses already, in the one suite that has the server.
archive=$(apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' | grep -v security | grep -m1 'debian/* main$' | cut -d' ' -f1)
[ -n "$archive" ] || { echo "no Debian archive among this system's sources" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive sid main" >"$work/list"
: >"$work/status"
apart=(-qq -o Dir::Etc::sourcelist="$work/list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status"
  -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
apt-get "${apart[@]}" update
wanted=$(apt-cache "${apart[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances libllama0 | grep -E '^(lib|zlib)[^<:]*$' | sort -u)
(cd "$work/debs" && apt-get "${apart[@]}" download llama.cpp-tools $wanted)
for package in "$work"/debs/*.deb; do
  dpkg-deb --extract "$package" "$work/root"
done
rm -rf server server.part
mkdir server.part
lib=$(dirname "$(find "$work/root" -name 'libllama.so.*' | head -1)")
cp -a "$lib" server.part/lib
# Asked through its loader, the server looks for the processors' variants beside that loader.
(cd server.part/lib && ln -s ggml/*/libggml-cpu-*.so .)
cp "$work/root/usr/bin/llama-server" server.part/program
cat >server.part/llama-server <<'WRAPPER'
#!/bin/sh
here=$(cd "$(dirname "$0")" && pwd)
exec "$here"/lib/ld-linux-x86-64.so.2 --library-path "$here/lib:$here/lib/llama" "$here/program" "$@"
WRAPPER
chmod +x server.part/llama-server
server.part/llama-server --version >/dev/null 2>&1 || { echo "the unpacked server does not run: $(server.part/llama-server --version 2>&1 | tail -1)" >&2; exit 1; }
mv server.part server
