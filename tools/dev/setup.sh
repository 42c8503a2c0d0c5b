#!/bin/sh
# Finds a Python that fits and lets it make .venv (tools/dev/setup.py).
# Runs before anything is installed, so it needs nothing but a POSIX shell.
# PYTHON=/path/to/python make ... names one yourself.
set -u
cd "$(dirname "$0")/../.." || exit 1

# The second run: .venv is there and is what the lock says, so nothing is to do.
for python in .venv/bin/python .venv/Scripts/python.exe; do
    if [ -x "$python" ] && "$python" -I -S tools/dev/setup.py --check 2>/dev/null; then
        exit 0
    fi
done

fits='import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))'
has_venv='import ensurepip, venv'
found='' # fits
ready='' # fits and can make a venv by itself
seen=''
for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    command -v "$name" >/dev/null 2>&1 || continue
    version=$("$name" -I -S -c 'print("%d.%d" % __import__("sys").version_info[:2])' \
        2>/dev/null) || continue
    seen="$seen $name ($version)"
    "$name" -I -S -c "$fits" 2>/dev/null || continue
    [ -n "$found" ] || found=$name
    if "$name" -I -c "$has_venv" 2>/dev/null; then
        ready=$name
        break
    fi
done

if [ -z "$found" ]; then
    echo "Moving Parts needs Python 3.11, 3.12, 3.13 or 3.14, and none was found." >&2
    echo "Found:${seen:- no Python at all}." >&2
    echo "On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
    echo "On macOS: brew install python@3.13" >&2
    echo "With uv: uv python install 3.13" >&2
    echo "If it is somewhere unusual: make PYTHON=/path/to/python3.13 <target>" >&2
    exit 1
fi
exec "${ready:-$found}" tools/dev/setup.py
