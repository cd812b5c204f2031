# Shared by the scripts in this folder: source it, do not run it. Needs bash.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C.UTF-8
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VAR=$ROOT/var
VENV=$ROOT/.venv

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Settings of .env that the environment does not set already.
load_dotenv() {
  [ -f "$ROOT/.env" ] || return 0
  local line key
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in ''|'#'*) continue ;; esac
    key=${line%%=*}
    [ -n "${!key+set}" ] || export "$key=${line#*=}"
  done <"$ROOT/.env"
}

# Root runs it directly, anyone else through sudo.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; return; fi
  command -v sudo >/dev/null || die "'$*' needs root: install sudo, or run it as root yourself"
  sudo "$@" || die "'sudo $*' failed: run it as root yourself, then try again"
}

# Sockets and configuration of the running program, which has no use for the servers' own folder.
RUN=$VAR/run
[ ${#RUN} -le 80 ] || RUN=/var/tmp/citymgmt-$(id -u)-$(printf %s "$VAR" | sha256sum | cut -c1-10)

# Every process of `make run` carries this, so that whatever is left of one can be found.
MARK=CITYMGMT_RUN=$ROOT
marked_processes() {
  local process
  for process in /proc/[0-9]*; do
    if grep -qzxF "$MARK" "$process/environ" 2>/dev/null; then echo "${process#/proc/}"; fi
  done
}
