#!/bin/sh
# Write requirements/run.txt and requirements/dev.txt: exact versions with hashes, for Python 3.11
# to 3.13. Both name the same version of what both need. Pass --upgrade to take newer versions.
set -eu
cd "$(dirname "$0")/.."
uv=${VENV:-.venv}/bin/uv

compile() {
  name=$1
  shift
  "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    --no-header --no-emit-index-url --no-emit-find-links --output-file "requirements/$name.txt" "$@"
}

compile run "$@" pyproject.toml requirements/build.in
compile dev "$@" --extra apprise --extra krx --extra s3 --group dev --constraint requirements/run.txt \
  pyproject.toml requirements/build.in
if grep -n '://' requirements/run.txt requirements/dev.txt; then
  echo "error: a lock names a host" >&2
  exit 1
fi
