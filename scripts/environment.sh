# Sourced by the scripts: where the checkout and the tool cache are, and how they speak.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Tools that take minutes to build live outside the checkout, so that a second checkout finds them.
FERRITE_TOOLS=${FERRITE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/ferrite/tools}
export FERRITE_TOOLS
export PATH="$FERRITE_TOOLS/bin:$PWD/node_modules/.bin:$PATH"

say() { printf '%s\n' "== $*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
