#!/usr/bin/env bash
# Waits until the model is as it should be: ready on as many GPU nodes as are asked for, or gone with its nodes.
#
# Usage: scripts/wait-for-model.sh [--name NAME] [--namespace NAMESPACE] [--deadline SECONDS]
#   defaults: phi-3, models, 2400 (a node takes 5 to 10 minutes, the image and the weights as long again)
#
# Prints each state once: absent, stopped, stopping, no nodes, node not ready, loading, ready, failed. Ends with 0 when the
# model is ready (or stopped, where no replica is asked for), 3 when the deadline passed, 4 when the model has failed:
# its pod was restarted MODEL_MAX_RESTARTS times (default 5) or Kaito says so. Changes nothing; docs/deployment.md
# says what to do about each.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/model.sh
source "$ROOT/scripts/lib/model.sh"

name=phi-3 namespace=models deadline=2400
while (($#)); do
  case $1 in
    --help | -h) show_help "$0" && exit ;;
    --name | --namespace | --deadline)
      [[ -n ${2:-} ]] || fail -c "$EXIT_USAGE" "$1 needs a value"
      declare "${1#--}=$2"
      shift
      ;;
    *) unknown_option "$1" ;;
  esac
  shift
done
[[ $deadline =~ ^[0-9]+$ ]] || fail -c "$EXIT_USAGE" "--deadline is a whole number of seconds, not $deadline"

load_values
use_cluster

step "Model $name"
end=$((SECONDS + deadline))
shown=''
while true; do
  state=$(model_state "$namespace" "$name") || state="unknown: the cluster did not answer"
  if [[ $state != "$shown" ]]; then
    note "$state"
    shown=$state
  fi
  case $state in
    ready* | stopped*) exit 0 ;;
    absent*)
      fail "there is no InferenceSet $name in namespace $namespace" "scripts/deploy.sh applies k8s/kaito"
      ;;
    failed*)
      explain_model "$namespace" "$name" >&2
      fail -c "$EXIT_MODEL_FAILED" "the model has failed: $state" "put right what stands above, then: kubectl delete pods --namespace $namespace --selector $CREATED_BY=$name"
      ;;
  esac
  if ((SECONDS >= end)); then
    explain_model "$namespace" "$name" >&2
    fail -c "$EXIT_DEADLINE" "scaling timed out: $name is not as it should be after $deadline seconds ($state)" \
      "if it is still loading, run this again: nothing is lost"
  fi
  sleep "$POLL_SECONDS"
done
