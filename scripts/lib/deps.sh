# SPDX-License-Identifier: Apache-2.0
# Which packages Debian 12 and 13 need, and how they come here without starting a service.
# shellcheck shell=bash

# Debian 12's default Boost (1.74) is too old; Debian 13 and Ubuntu 24.04 have 1.83.
boost_packages() {
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  case $codename in
    bookworm) echo libboost1.81-dev libboost-program-options1.81-dev ;;
    *) echo libboost-dev libboost-program-options-dev ;;
  esac
}

build_packages() {
  echo g++ cmake ninja-build pkg-config nettle-dev libsodium-dev libsqlite3-dev libspdlog-dev \
    nlohmann-json3-dev libqrencode-dev libpng-dev libpam0g-dev libsystemd-dev libcsv-dev
  boost_packages
}

# A trial: accounts, a client, and the program that keeps it together.
trial_packages() { echo python3 passwd login openssh-client openssh-sftp-server; }

test_packages() {
  echo libgtest-dev libgmock-dev python3-pexpect python3-yaml python3-jsonschema oathtool zbar-tools \
    procps curl shellcheck systemd groff-base mandoc strace faketime clang libclang-rt-dev sudo \
    tmux screen python3-matplotlib binutils
}

# The small pieces and the plots.
bench_packages() {
  echo libgtest-dev libgmock-dev libbenchmark-dev python3-matplotlib binutils strace
}

missing_packages() {
  local package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
      echo "$package"
    fi
  done
}

quiet_apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o APT::Sandbox::User=root "$@"
}

updated=
update_lists() {
  if [ -z "$updated" ]; then
    # A broken third-party source must not stop us: what matters is whether the packages are found.
    quiet_apt update >/dev/null 2>&1 || say "apt-get update had errors; trying all the same."
    updated=yes
  fi
}

# need_packages PACKAGE…: installs the missing ones.
need_packages() {
  local missing log
  command -v dpkg-query >/dev/null || die "this script knows Debian's packages only"
  mapfile -t missing < <(missing_packages "$@")
  if [ ${#missing[@]} -eq 0 ]; then return 0; fi
  if ! is_root; then
    die "these packages are missing: ${missing[*]}
Install them (sudo apt-get install ${missing[*]}) or run this with sudo."
  fi
  say "Installing ${missing[*]} …"
  update_lists
  log=$(mktemp)
  if ! quiet_apt install -y --no-install-recommends "${missing[@]}" </dev/null >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    die "apt-get could not install them; is this machine offline?"
  fi
  rm -f "$log"
}

# unpack_package PACKAGE: unpacks it into build/packages/PACKAGE instead of installing it, for
# packages that would start a service. Its shared libraries are installed as usual.
unpack_package() {
  local package=$1 folder=$root/build/packages/$1 scratch depends
  if [ -d "$folder/usr" ]; then return 0; fi
  is_root || die "$package is missing; run this with sudo"
  say "Unpacking $package into build/packages (nothing is started or enabled) …"
  update_lists
  as_tree_owner mkdir -p "$root/build/packages"
  scratch=$(mktemp -d)
  (cd "$scratch" && quiet_apt download "$package" >/dev/null) || die "cannot download $package"
  # shellcheck disable=SC2020
  depends=$(dpkg-deb -f "$scratch"/*.deb Pre-Depends Depends | tr ',|' '\n\n' |
    sed -n 's/^\([A-Za-z-]*:\)\{0,1\} *\(lib[^ :(]*\).*/\2/p' | sed '/^libpam-/d' | sort -u)
  # shellcheck disable=SC2086  # one word a package
  need_packages $depends
  dpkg-deb -x "$scratch"/*.deb "$scratch/tree"
  chmod -R go-w "$scratch/tree"
  mv "$scratch/tree" "$folder"
  give_to_tree_owner "$folder"
  rm -rf "$scratch"
}

# What reads and turns over logs. Installing it would start daemons and timers on the host.
need_log_tools() {
  local package
  for package in fail2ban rsyslog logrotate; do unpack_package "$package"; done
}

# An sshd for the trial and the tests. Installing openssh-server would start a daemon on the host.
need_sshd() { [ -x /usr/sbin/sshd ] || unpack_package openssh-server; }
# The same for a cron.
need_cron() { [ -x /usr/sbin/cron ] || unpack_package cron; }

# What sparekey's speed is compared with. Installing them would change nothing here, but who unpacks
# them knows that no PAM file of this machine ever names them.
need_peers() {
  local package
  for package in libpam-oath libpam-google-authenticator; do unpack_package "$package"; done
}
