#!/usr/bin/env bash
# Removes the deployment: the model and its GPU nodes first, which cost most, then everything that azd provisioned.
#
# Usage: scripts/teardown.sh [--yes] [--purge] [--model-only]
#   --yes         do not ask
#   --purge       also what Azure would keep for a time: the soft-deleted API Management, and the two Entra applications,
#                 for good. The vault stays soft-deleted: it is protected, since it holds the master secret
#   --model-only  the model and its nodes, nothing else, and no question: azd runs this before `azd down` (hook predown)
#
# Settings, from azd. TEARDOWN_DEADLINE_SECONDS (default 900): how long the GPU nodes may take to go. Repeatable: what
# is gone already is passed over. When it fails: it says what is left; run it again.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/model.sh
source "$ROOT/scripts/lib/model.sh"
: "${TEARDOWN_DEADLINE_SECONDS:=900}"

yes=false purge=false model_only=false
while (($#)); do
  case $1 in
    --help | -h) show_help "$0" && exit ;;
    --yes) yes=true ;;
    --purge) purge=true ;;
    --model-only) model_only=true ;;
    *) unknown_option "$1" ;;
  esac
  shift
done

no_gpu_nodes() {
  local nodes
  nodes=$(kubectl get nodes --selector "$GPU_NODES,apps=phi-3" --output name) || return
  [[ -z $nodes ]]
}

# KEDA first: it would ask for the model again. Then what makes nodes; the nodes follow.
remove_model() {
  local exists
  exists=$(azure "the clusters of $AZURE_RESOURCE_GROUP" az aks list --query "[?name=='$AKS_CLUSTER_NAME'].name" --output tsv) || exit
  if [[ -z $exists ]]; then
    note "the cluster is gone already"
    return
  fi
  use_cluster
  local kind
  for kind in scaledobjects.keda.sh inferencesets.kaito.sh workspaces.kaito.sh; do
    if kubectl get crd "$kind" --output name >/dev/null 2>&1; then
      kubectl delete "$kind" --all --namespace models --timeout "${TEARDOWN_DEADLINE_SECONDS}s" ||
        fail "could not remove $kind" "kubectl get $kind --namespace models"
    fi
  done
  wait_for "$TEARDOWN_DEADLINE_SECONDS" no_gpu_nodes || {
    kubectl get nodes --selector "$GPU_NODES" >&2 || true
    fail -c "$EXIT_DEADLINE" "GPU nodes are left after $TEARDOWN_DEADLINE_SECONDS seconds" \
      "kubectl get nodeclaims; kubectl logs --namespace karpenter deployment/karpenter --tail 50" \
      "they go with their resource group: azd down"
  }
  note "no GPU nodes are left"
}

load_values
if [[ $model_only == true && -z ${AKS_CLUSTER_NAME:-} ]]; then
  note "nothing was provisioned"
  exit 0
fi
need AZURE_RESOURCE_GROUP AKS_CLUSTER_NAME

if [[ $model_only == false && $yes == false ]]; then
  printf 'This removes resource group %s with everything in it: clients, sessions, snippets.\n' "$AZURE_RESOURCE_GROUP"
  read -r -p "Type the group's name to go on: " answer || answer=''
  [[ $answer == "$AZURE_RESOURCE_GROUP" ]] || fail -c "$EXIT_USAGE" "nothing was removed"
fi

step "Model and GPU nodes"
remove_model
[[ $model_only == false ]] || exit 0

step "Azure resources"
down=(down --force)
[[ $purge == false ]] || down+=(--purge)
azd "${down[@]}" || fail "azd could not remove everything" \
  "its message stands above; run this again, or: az group delete --name $AZURE_RESOURCE_GROUP"

step "Entra applications"
for id in ${LOGIN_APP_CLIENT_ID:-} ${API_APP_CLIENT_ID:-}; do
  if [[ $purge == false ]]; then
    note "$id stays, with the consent that tenants have given it (--purge removes it)"
    continue
  fi
  object=$(az ad app show --id "$id" --query id --output tsv 2>/dev/null) || object=''
  if [[ -n $object ]]; then
    azure "removing application $id" az ad app delete --id "$id"
    azure "removing application $id for good" az rest --method delete \
      --url "https://graph.microsoft.com/v1.0/directory/deletedItems/$object"
  fi
  note "$id is gone"
done

note "The vault $KEY_VAULT_NAME is kept soft-deleted, with the master secret, for 90 days. To deploy again under this"
note "name: azd env set KEY_VAULT_CREATE_MODE recover"
