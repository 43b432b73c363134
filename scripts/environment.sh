#!/usr/bin/env bash
# Makes or mends a virtual environment from a hashed lock file, and installs this project into it.
# Usage: environment.sh PYTHON VENV LOCK
# Nothing is done, and no network used, when the environment already holds what the lock says.
set -euo pipefail
python=$1 venv=$2 lock=$3

"$python" -c '' 2>/dev/null || {
    echo "No '$python' that runs on the PATH. Install Python 3.11 or later, or name one: make PYTHON=python3.12" >&2
    exit 3
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "'$python' is $("$python" --version); 3.11 or later is needed: make PYTHON=python3.12" >&2
    exit 3
}

digest() { # of the lock, the project file and the interpreter: what the environment is made from
    cat "$1" pyproject.toml | "$python" -c '
import hashlib, sys
print(hashlib.sha256(sys.stdin.buffer.read() + sys.version.encode()).hexdigest())'
}

stamp=$venv/.lock-digest
wanted=$(digest "$lock")
# The larger environment serves for the smaller one too.
[ -f "$stamp" ] && grep -qx "$wanted" "$stamp" && exit 0

if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
    else
        echo "This Python cannot make environments. On Debian or Ubuntu: sudo apt install python3-venv" >&2
        exit 3
    fi
fi

echo "Setting up $venv from $lock …" >&2
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$venv/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$lock"
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation -e .

case $lock in # what the development lock holds, the standard one does too
    *dev.lock) { echo "$wanted"; digest "${lock/dev/standard}"; } >"$stamp" ;;
    *) echo "$wanted" >"$stamp" ;;
esac
