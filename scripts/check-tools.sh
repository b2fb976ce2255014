#!/usr/bin/env bash
# Checks that the programs of a deployment are installed and new enough, and says where each comes from.
#
# Usage: scripts/check-tools.sh [--local]
#   --local  ask for docker too, which scripts/build-and-push.sh --local builds with
#
# Run by azd before it provisions (hook preprovision), and by hand at any time. Changes nothing.
# When it fails: install what it names and run it again.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

with_docker=false
while (($#)); do
  case $1 in
    --help | -h) show_help "$0" && exit ;;
    --local) with_docker=true ;;
    *) unknown_option "$1" ;;
  esac
  shift
done

problems=()

# check PROGRAM MINIMUM WHERE COMMAND…: the first x.y in the command's output is the version; MINIMUM may be empty.
check() {
  local program=$1 minimum=$2 where=$3 told major minor
  shift 3
  if ! command -v "$program" >/dev/null; then
    problems+=("$program is missing: $where")
    return
  fi
  [[ -n $minimum ]] || return 0
  told=$("$@" 2>/dev/null) || told=''
  if [[ ! $told =~ ([0-9]+)\.([0-9]+)(\.[0-9]+)? ]]; then
    problems+=("$program does not tell its version: \`$*\` fails; $where")
    return
  fi
  told=${BASH_REMATCH[0]} major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
  if ((major < ${minimum%.*} || (major == ${minimum%.*} && minor < ${minimum#*.}))); then
    problems+=("$program is $told, older than $minimum: $where")
  else
    note "$program $told"
  fi
}

step "Programs"
# The first with all that infra/ and the scripts ask of them.
check az 2.70 https://learn.microsoft.com/cli/azure/install-azure-cli az version --output tsv --query '"azure-cli"'
check azd 1.15 https://learn.microsoft.com/azure/developer/azure-developer-cli/install-azd azd version
check kubectl 1.31 "az aks install-cli" kubectl version --client
check kubelogin 0.1 "az aks install-cli" kubelogin --version
# --take-ownership came with 3.17.
check helm 3.17 https://helm.sh/docs/intro/install helm version --short
if [[ $with_docker == true ]]; then
  check docker "" https://docs.docker.com/engine/install
fi
for program in curl git tar base64 ssh-keygen; do
  check "$program" "" "your system's package manager has it"
done

((${#problems[@]} == 0)) || fail "not ready to deploy" "${problems[@]}"
