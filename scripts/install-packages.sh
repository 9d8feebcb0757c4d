#!/usr/bin/env bash
# Installs the Debian packages that are named and missing, as root or by a sudo that asks nothing.
# Otherwise prints the one command that a person must run, and ends with 1.
set -euo pipefail

is_there() {
    case "$1" in
        # Any build of these commands will do, whoever installed it.
        valgrind | gcc | g++ | make | cmake | automake | chromium | npm) command -v "$1" >/dev/null 2>&1 ;;
        nodejs) command -v node >/dev/null 2>&1 ;;
        default-jdk-headless) command -v javac >/dev/null 2>&1 ;;
        *) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    esac
}

missing=()
for package in "$@"; do
    is_there "$package" || missing+=("$package")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Missing, and there is no apt-get: please install ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=()
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "Missing: please run: sudo apt-get install -y ${missing[*]}" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
