#!/usr/bin/env bash
# Installs the servers that tests and benchmarks run against: PostgreSQL, MariaDB, Redis,
# PgBouncer and Erlang, from the packages of Debian or Ubuntu. None of them is left running:
# the tests start throwaway instances of their own.
#
#   npm run services              installs what is missing
#   npm run services -- --check   says what is there, installs nothing
set -euo pipefail

packages=(postgresql mariadb-server redis-server pgbouncer erlang-base erlang-mnesia)
# What proves that a package is there, in the same order.
proofs=(postgres mariadbd redis-server pgbouncer erl mnesia)

# Debian keeps some servers out of the search path.
find_program() {
  local found
  if [ "$1" = mnesia ]; then
    compgen -G '/usr/lib/erlang/lib/mnesia-*' | head -n 1 || true
    return
  fi
  if found=$(command -v "$1"); then
    echo "$found"
    return
  fi
  for found in /usr/sbin/"$1" $(compgen -G "/usr/lib/postgresql/*/bin/$1" | sort -rV || true); do
    if [ -x "$found" ]; then
      echo "$found"
      return
    fi
  done
}

missing=()
for index in "${!packages[@]}"; do
  where=$(find_program "${proofs[$index]}")
  if [ -n "$where" ]; then
    echo "present  ${packages[$index]}  ($where)"
  else
    echo "missing  ${packages[$index]}"
    missing+=("${packages[$index]}")
  fi
done

if [ "${1:-}" = "--check" ]; then
  exit $((${#missing[@]} > 0))
fi
if [ ${#missing[@]} -eq 0 ]; then
  echo "services: nothing to install"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "services: apt-get is not here; install by other means: ${missing[*]}" >&2
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "services: needs root or sudo to install: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# A policy of 101 is how Debian is told not to start a service that it installs.
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then
  echo "services: $policy exists and decides whether the packages start their services"
else
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"; echo "services: removed the temporary $policy"' EXIT
  echo "services: wrote $policy for the time of the installation, so that nothing starts"
fi

"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null

for index in "${!packages[@]}"; do
  for package in "${missing[@]}"; do
    if [ "$package" = "${packages[$index]}" ]; then
      where=$(find_program "${proofs[$index]}")
      if [ -z "$where" ]; then
        echo "services: $package was installed but ${proofs[$index]} was not found" >&2
        exit 1
      fi
      echo "installed  $package  ($where)"
    fi
  done
done
