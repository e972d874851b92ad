#!/bin/sh
# Install the real mail servers and tools that the tests talk to, on Debian and its kin, where that is possible.
# Only as root; removes no package, starts no service, and leaves none that would start with the machine.
# Quick when everything is there. A peer that cannot be had is told, never an error: its tests are skipped by name.
set -eu
cd "$(dirname "$0")/.."

# libnet-ssleay-perl gives swaks its TLS.
PACKAGES="postfix swaks libnet-ssleay-perl openssl"
# Exim and Postfix exclude each other as packages, so Exim is unpacked into .peers; its libraries come as packages.
EXIM_PACKAGE=exim4-daemon-light
EXIM_DIR=.peers/exim
POLICY=/usr/sbin/policy-rc.d

is_installed() { [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing_packages() {
    for package in $PACKAGES; do
        is_installed "$package" || printf '%s ' "$package"
    done
}

exim_runs() { [ -x "$EXIM_DIR/usr/sbin/exim4" ] && "$EXIM_DIR/usr/sbin/exim4" -C /dev/null -bV >/dev/null 2>&1; }

# While packages are being installed no service may start; an existing policy is left alone.
forbid_services() {
    [ -e "$POLICY" ] && return
    trap 'rm -f "$POLICY"' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends --no-remove \
        --no-upgrade "$@" </dev/null >"$log" 2>&1 || { tail -5 "$log"; return 1; }
}

install_packages() {
    for package in $(missing_packages); do
        case $package in
        postfix) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
        esac
        if apt_install "$package"; then
            echo "peers: installed $package"
        else
            echo "peers: could not install $package"
            continue
        fi
        case $package in
        postfix) systemctl --root=/ disable postfix.service >/dev/null 2>&1 || true ;;
        esac
    done
}

# The libraries that the package names, without the base package that excludes Postfix.
exim_libraries() {
    apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
        "$EXIM_PACKAGE" | sed -n 's/^ *Depends: \(lib[^ ]*\)$/\1/p'
}

install_exim() {
    # The binary knows its user by name.
    getent passwd Debian-exim >/dev/null ||
        useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin Debian-exim
    # shellcheck disable=SC2046
    apt_install $(exim_libraries) || return 1
    rm -rf "$EXIM_DIR"
    mkdir -p "$EXIM_DIR"
    (cd "$EXIM_DIR" && apt-get -o APT::Sandbox::User=root download --quiet --quiet "$EXIM_PACKAGE") || return 1
    dpkg-deb --extract "$EXIM_DIR"/"$EXIM_PACKAGE"_*.deb "$EXIM_DIR"
    rm -f "$EXIM_DIR"/*.deb
    exim_runs
}

if [ -z "$(missing_packages)" ] && exim_runs; then
    echo "peers: all there (postfix, exim, swaks, openssl)"
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "peers: some are missing, and only root on Debian or its kin can install them; their tests are skipped"
    exit 0
fi
log=$(mktemp)
forbid_services
apt-get update --quiet --quiet >"$log" 2>&1 || { echo "peers: apt-get update failed:"; tail -3 "$log"; }
install_packages
if ! exim_runs; then
    if install_exim; then
        echo "peers: unpacked $EXIM_PACKAGE into $EXIM_DIR"
    else
        echo "peers: could not get $EXIM_PACKAGE"
    fi
fi
rm -f "$log"
