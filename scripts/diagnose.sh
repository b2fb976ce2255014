#!/usr/bin/env bash
# Says why something does not work, and what to do about it. Only reads.
#
# Usage: scripts/diagnose.sh provision|servers|model
#   provision  the last `azd provision`: quota, region, permission, policy, names that are taken
#   servers    authserver and mcpserver: image pull, scheduling, volumes, crashes, their last lines
#   model      Kaito: workspaces, GPU allocation, image pull, model download
#
# Settings, from azd: AZURE_ENV_NAME, AZURE_RESOURCE_GROUP, AKS_CLUSTER_NAME.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/servers.sh
source "$ROOT/scripts/lib/servers.sh"
# shellcheck source=scripts/lib/model.sh
source "$ROOT/scripts/lib/model.sh"

subject=${1:-}
case $subject in
  --help | -h) show_help "$0" && exit ;;
  provision | servers | model) ;;
  *) fail -c "$EXIT_USAGE" "what is to be looked at? provision, servers or model" ;;
esac

load_values
case $subject in
  provision)
    need AZURE_ENV_NAME
    name=$(azure "the deployments of the subscription" az deployment sub list --output tsv \
      --query "sort_by([?starts_with(name, '$AZURE_ENV_NAME')], &properties.timestamp)[-1].name") || exit
    [[ -n $name ]] || fail "there is no deployment of $AZURE_ENV_NAME in this subscription" "azd provision"
    step "Deployment $name"
    azure "its operations" az deployment operation sub list --name "$name" --output json \
      --query "[?properties.provisioningState=='Failed'].{what: properties.targetResource.id, why: properties.statusMessage}" \
      >"$WORK/operations"
    if grep -q '"why"' "$WORK/operations"; then
      cat "$WORK/operations"
      explain_azure "$WORK/operations"
    else
      note "none of its operations failed"
    fi
    ;;
  servers)
    use_cluster
    step "Servers"
    kubectl get deployments,pods,services --namespace "$NAMESPACE"
    explain_server authserver
    explain_server mcpserver
    ;;
  model)
    use_cluster
    step "Model phi-3"
    note "$(model_state models phi-3)"
    explain_model models phi-3
    ;;
esac
