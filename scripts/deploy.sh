#!/usr/bin/env bash
# Puts everything onto what was provisioned: Kaito, the images, the servers, the model, the gateway; then tries it out.
#
# Usage: scripts/deploy.sh
#
# Settings, from azd: every output of infra/main.bicep. ROLLOUT_DEADLINE_SECONDS (default 600) is how long each server
# may take. azd runs it after provisioning (hook postprovision). Repeatable: each step first looks what is there, and a
# second run changes nothing.
# When it fails: it says which step and why; put that right and run it again, or run the one script by itself:
# check-tools.sh install-kaito.sh build-and-push.sh deploy-gateway.sh smoke-test.sh (docs/deployment.md).
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/servers.sh
source "$ROOT/scripts/lib/servers.sh"

case ${1:-} in
  --help | -h) show_help "$0" && exit ;;
  '') ;;
  *) unknown_option "$1" ;;
esac

readonly SECRET=authserver-master-secret

# names_in LIST: whether the vault's list has the master secret. Its value is never asked for.
names_in() {
  azure "the secrets of vault $KEY_VAULT_NAME" az keyvault secret "$1" --vault-name "$KEY_VAULT_NAME" \
    --query "[?name=='$SECRET'].name" --output tsv
}

# What encrypts the signing keys: made once, and never made again while a copy exists. With another one, the keys and
# whatever else is sealed in the store would be lost.
master_secret() {
  local found
  found=$(names_in list) || exit
  if [[ -n $found ]]; then
    note "is there"
    return
  fi
  found=$(names_in list-deleted) || exit
  if [[ -n $found ]]; then
    azure "recovering $SECRET" az keyvault secret recover --vault-name "$KEY_VAULT_NAME" --name "$SECRET" --output none
    note "was deleted, and is recovered"
    return
  fi
  # A Fernet key: 32 bytes, in the alphabet of URLs. A file, since anybody on this machine may read a command line.
  head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$WORK/master-secret"
  azure "keeping $SECRET in vault $KEY_VAULT_NAME" az keyvault secret set --vault-name "$KEY_VAULT_NAME" \
    --name "$SECRET" --file "$WORK/master-secret" --encoding utf-8 --output none
  rm "$WORK/master-secret"
  note "made"
}

# fill FILE: gives each NAME=example of an .env file its value; one that has none stops everything, for the examples are
# made up.
fill() {
  local line name result=''
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ $line =~ ^([A-Z][A-Z0-9_]*)= ]]; then
      name=${BASH_REMATCH[1]}
      need "$name"
      line=$name=${!name}
    fi
    result+=$line$'\n'
  done <"$1"
  printf '%s' "$result" >"$1"
}

apply() {
  kubectl apply --kustomize "$1" || fail "the cluster refused what is in ${1#"$WORK/"}" \
    "its message stands above; nothing was taken back: run this again when it is put right"
}

# The InferenceSet's number of replicas is KEDA's to change: what runs now goes on running.
model_with_its_replicas() {
  local replicas
  replicas=$(kubectl get inferenceset phi-3 --namespace models --ignore-not-found --output 'jsonpath={.spec.replicas}')
  mkdir -p "$WORK/k8s/model"
  cat >"$WORK/k8s/model/kustomization.yaml" <<YAML
resources: [../overlays/azure-model]
patches:
  - target: {kind: InferenceSet, name: phi-3}
    patch: '[{"op": "replace", "path": "/spec/replicas", "value": ${replicas:-0}}]'
YAML
}

"$ROOT/scripts/check-tools.sh"
load_values
need AZURE_RESOURCE_GROUP AKS_CLUSTER_NAME KEY_VAULT_NAME ACR_LOGIN_SERVER APIM_GATEWAY_URL

step "Cluster $AKS_CLUSTER_NAME"
use_cluster
note "answers"

"$ROOT/scripts/install-kaito.sh"
"$ROOT/scripts/build-and-push.sh"
IMAGE_TAG=$(git -C "$ROOT" rev-parse HEAD)
export IMAGE_TAG

step "Master secret in vault $KEY_VAULT_NAME"
master_secret

step "Servers"
cp -R "$ROOT/k8s" "$WORK/k8s"
fill "$WORK/k8s/overlays/azure/deployment.env"
fill "$WORK/k8s/overlays/azure-model/deployment.env"
apply "$WORK/k8s/overlays/azure"
wait_for_server authserver
wait_for_server mcpserver

step "Model (no GPU node until somebody asks it)"
model_with_its_replicas
apply "$WORK/k8s/model"

"$ROOT/scripts/deploy-gateway.sh"
"$ROOT/scripts/smoke-test.sh"

step "Done"
note "The MCP server is at $APIM_GATEWAY_URL/mcp. Point a client there; docs/clients/ says how for each."
note "kubectl: az aks get-credentials --resource-group $AZURE_RESOURCE_GROUP --name $AKS_CLUSTER_NAME"
