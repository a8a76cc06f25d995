#!/bin/sh
# Make the virtual environment .venv and install exactly what a lock file names.
#   scripts/install.sh run     what stockops needs
#   scripts/install.sh dev     that, and what its tests and checks need
# $PYTHON chooses the interpreter; without it, the first Python 3.11 or newer that really runs.
set -eu
cd "$(dirname "$0")/.."
lock=requirements/$1.txt
venv=${VENV:-.venv}

# A shim may stand first on PATH and not run, and a Debian Python may lack its venv.
works() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  for candidate in ${PYTHON:-} python3.11 /usr/bin/python3.11 python3.12 python3.13 python3 \
    /usr/bin/python3 /usr/local/bin/python3; do
    if works "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "error: there is no Python 3.11 or newer with its venv here" >&2
  echo "hint: apt-get install python3 python3-venv, or make PYTHON=/path/to/python3.11" >&2
  exit 2
}

# An install that was interrupted may have left half an environment.
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
  python=$(find_python)
  echo "making $venv with $("$python" --version)" >&2
  rm -rf "$venv"
  "$python" -m venv "$venv"
fi

echo "installing $lock" >&2
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Wheels only: building a source package would fetch build tools that no lock names.
"$venv/bin/python" -m pip install --quiet --require-hashes --only-binary :all: -r "$lock"
"$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
touch "$venv/$1.installed"
