# shellcheck shell=bash
# Owns what all scripts share: messages, settings, bounded waiting, Azure commands and the cluster's credentials.
# Sourced by scripts/*.sh, never run; must not do anything by itself but make the folder for temporary files.

# macOS brings bash 3, which lacks much of what follows.
if ((BASH_VERSINFO[0] < 5)); then
  echo "failed: these scripts need bash 5 or newer (macOS: brew install bash)" >&2
  exit 2
fi
# A command that fails in $(…) ends the script, as everywhere else.
shopt -s inherit_errexit

# Exit codes: 1 a step failed, 2 wrong usage or a missing setting, 3 a deadline passed, 4 the model has failed.
readonly EXIT_FAILED=1 EXIT_USAGE=2 EXIT_DEADLINE=3

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
readonly ROOT
# shellcheck source=scripts/lib/diagnosis.sh
source "$ROOT/scripts/lib/diagnosis.sh"

# How long to wait between two looks, and how long at most until Azure's roles and control planes have settled.
: "${POLL_SECONDS:=10}"
: "${AZURE_DEADLINE_SECONDS:=300}"

# Secrets pass through files in here: nobody else may read them, and none stays.
umask 077
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcpstack.XXXXXX")
readonly WORK
trap 'rm -rf "$WORK"' EXIT

step() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }

# fail [-c CODE] MESSAGE [WHAT TO DO…]: the end of a script, with one line for each thing to try.
fail() {
  local code=$EXIT_FAILED
  if [[ $1 == -c ]]; then
    code=$2
    shift 2
  fi
  printf '\nfailed: %s\n' "$1" >&2
  shift
  if (($#)); then printf '    %s\n' "$@" >&2; fi
  exit "$code"
}

# The text that --help prints: the script's own comment at its top.
show_help() {
  awk 'NR > 1 && !/^#/ {exit} NR > 1 {sub(/^# ?/, ""); print}' "$1"
}

unknown_option() {
  fail -c "$EXIT_USAGE" "unknown option: $1" "$(basename "$0") --help lists them"
}

# Takes what azd knows, unless the environment says otherwise. Scripts that this one starts need not ask again.
load_values() {
  local line name value
  [[ -z ${MCPSTACK_VALUES:-} ]] || return 0
  export MCPSTACK_VALUES=loaded
  command -v azd >/dev/null || return 0
  azd env get-values >"$WORK/values" 2>/dev/null || return 0
  while IFS= read -r line; do
    [[ $line =~ ^([A-Z][A-Z0-9_]*)=(.*)$ ]] || continue
    name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
    [[ -v $name ]] && continue
    if [[ $value == \"*\" ]]; then
      value=${value:1:-1}
      value=${value//\\\"/\"}
      value=${value//\\\\/\\}
    fi
    export "$name=$value"
  done <"$WORK/values"
}

# need NAME…: stops unless each has a value.
need() {
  local name missing=()
  for name in "$@"; do
    [[ -n ${!name:-} ]] || missing+=("$name")
  done
  ((${#missing[@]} == 0)) ||
    fail -c "$EXIT_USAGE" "no value for ${missing[*]}" \
      "azd provision makes them (azd env get-values shows what is there); or set them in the environment"
}

# wait_for SECONDS COMMAND…: runs the command until it succeeds; its last failure is the answer when time is up.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return "$EXIT_DEADLINE"
    sleep "$POLL_SECONDS"
  done
}

# azure WHAT COMMAND…: runs an Azure command. What passes by itself (throttling, an outage of moments, roles that take
# minutes to arrive after provisioning) is tried again until AZURE_DEADLINE_SECONDS; all else ends the script at once,
# with what it means. In $(…) only the subshell ends, which conditions do not see: name=$(azure …) || exit.
azure() {
  local what=$1 end=$((SECONDS + AZURE_DEADLINE_SECONDS)) errors
  shift
  errors=$(mktemp "$WORK/errors.XXXXXX")
  until "$@" 2>"$errors" </dev/null; do
    if ((SECONDS >= end)) || ! passes_by_itself "$errors"; then
      cat "$errors" >&2
      explain_azure "$errors" >&2
      fail "$what"
    fi
    note "not yet, trying again: $what" >&2
    sleep "$POLL_SECONDS"
  done
}

# The cluster of these settings and no other, whatever the user's own kubeconfig points to. Scripts that this one
# starts use the same credentials, which are known to work.
use_cluster() {
  if [[ -n ${MCPSTACK_KUBECONFIG:-} ]]; then
    export KUBECONFIG=$MCPSTACK_KUBECONFIG
    return
  fi
  need AZURE_RESOURCE_GROUP AKS_CLUSTER_NAME
  export MCPSTACK_KUBECONFIG=$WORK/kubeconfig KUBECONFIG=$WORK/kubeconfig
  azure "the credentials of cluster $AKS_CLUSTER_NAME" az aks get-credentials \
    --resource-group "$AZURE_RESOURCE_GROUP" --name "$AKS_CLUSTER_NAME" \
    --file "$KUBECONFIG" --overwrite-existing --output none
  # The cluster knows Entra ID's people only: whoever is signed in to the Azure CLI is who kubectl is.
  kubelogin convert-kubeconfig --login azurecli ||
    fail "kubelogin could not prepare the credentials" "az login, then run this again"
  # Also waits until the role that provisioning has given is in force.
  wait_for "$AZURE_DEADLINE_SECONDS" quietly kubectl get namespace default --output name || {
    kubectl get namespace default 2>&1 | sed 's/^/    /' >&2 || true
    fail "the cluster does not answer, or not to you" \
      "Forbidden: you need the role Azure Kubernetes Service RBAC Cluster Admin on the cluster (infra/ gives it to whoever ran azd provision)" \
      "no answer: az aks show --resource-group $AZURE_RESOURCE_GROUP --name $AKS_CLUSTER_NAME --query powerState"
  }
}

quietly() { "$@" >/dev/null 2>&1; }
