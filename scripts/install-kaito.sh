#!/usr/bin/env bash
# Installs what runs the model on GPU nodes: Azure Karpenter, which makes and removes the nodes, and the Kaito operator.
#
# Usage: scripts/install-kaito.sh
#
# Settings, from azd: AZURE_RESOURCE_GROUP, AZURE_LOCATION, AZURE_SUBSCRIPTION_ID, AKS_CLUSTER_NAME,
# AKS_NODE_RESOURCE_GROUP, GPU_SUBNET_ID, KARPENTER_IDENTITY_CLIENT_ID. KAITO_DEADLINE_SECONDS (default 600) is how
# long each operator may take to run. Repeatable: a second run changes nothing, and a newer version here upgrades.
# When it fails: the pods' reasons and last lines stand above the end; put right what they say and run it again.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# Karpenter: the version that this Kaito is tested with. Kaito's own provisioner (gpu-provisioner) is deprecated.
readonly KARPENTER_CHART=oci://mcr.microsoft.com/aks/karpenter/karpenter KARPENTER_VERSION=1.12.0
readonly KAITO_CHART=https://kaito-project.github.io/kaito/charts/kaito/workspace-0.12.0.tgz KAITO_VERSION=0.12.0
# Both run with rights over the whole cluster: what is installed is what was looked at. Change it with the version;
# docs/deployment.md says how. An empty one is not checked, and that is said.
: "${KAITO_SHA256=826dbea816bc68879682bfda4a6ef657de71a4e9b5389ca69ea70bc4bb3fb2f3}" "${KARPENTER_SHA256=}"
: "${KAITO_DEADLINE_SECONDS:=600}"

case ${1:-} in
  --help | -h) show_help "$0" && exit ;;
  '') ;;
  *) unknown_option "$1" ;;
esac

load_values
need AZURE_RESOURCE_GROUP AZURE_LOCATION AZURE_SUBSCRIPTION_ID AKS_CLUSTER_NAME AKS_NODE_RESOURCE_GROUP \
  GPU_SUBNET_ID KARPENTER_IDENTITY_CLIENT_ID
use_cluster

# What nodes join with: a token that AKS keeps in the cluster. It becomes a Secret that the chart only refers to, so
# that it stands neither in the release nor in the Deployment, and passes from kubectl to kubectl, never through argv.
bootstrap_token() {
  local parts id secret
  parts=$(kubectl get secrets --namespace kube-system --field-selector type=bootstrap.kubernetes.io/token \
    --output 'jsonpath={.items[0].data.token-id} {.items[0].data.token-secret}' 2>/dev/null) || parts=''
  [[ -n ${parts// /} ]] || fail "the cluster has no bootstrap token for new nodes" \
    "AKS keeps one in kube-system; reading it needs Azure Kubernetes Service RBAC Cluster Admin"
  id=$(base64 -d <<<"${parts% *}")
  secret=$(base64 -d <<<"${parts#* }")
  # On the server's side: else kubectl would leave a copy of the token in an annotation.
  kubectl apply --server-side --force-conflicts --filename - <<YAML
apiVersion: v1
kind: Namespace
metadata:
  name: karpenter
---
apiVersion: v1
kind: Secret
metadata:
  name: node-bootstrap
  namespace: karpenter
type: Opaque
stringData:
  token: "$id.$secret"
YAML
}

# Karpenter wants a key for its nodes; nobody signs in to them, so the private half of one that is made here is thrown
# away. A key that is in use stays: another one would make Karpenter replace the nodes.
ssh_key() {
  local key
  key=$(kubectl get deployment karpenter --namespace karpenter --ignore-not-found --output \
    'jsonpath={.spec.template.spec.containers[0].env[?(@.name=="SSH_PUBLIC_KEY")].value}')
  if [[ -z $key ]]; then
    ssh-keygen -q -t rsa -b 3072 -N '' -C azureuser -f "$WORK/node-key"
    key=$(<"$WORK/node-key.pub")
    rm "$WORK/node-key"
  fi
  printf '%s' "$key"
}

karpenter_values() {
  local endpoint kubelet kubelet_identity kubelet_client network guid key
  endpoint=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
  kubelet=$(azure "the cluster's kubelet identity" az aks show --resource-group "$AZURE_RESOURCE_GROUP" \
    --name "$AKS_CLUSTER_NAME" --output tsv \
    --query '[identityProfile.kubeletidentity.resourceId, identityProfile.kubeletidentity.clientId]') || exit
  kubelet_identity=$(sed -n 1p <<<"$kubelet")
  kubelet_client=$(sed -n 2p <<<"$kubelet")
  network=${GPU_SUBNET_ID%/subnets/*}
  guid=$(azure "the network's identifier" az network vnet show --ids "$network" --query resourceGuid --output tsv) || exit
  key=$(ssh_key)
  cat <<YAML
# One is enough: without it no node comes or goes, and nothing else stops.
replicas: 1
serviceAccount:
  name: karpenter-sa
  annotations:
    azure.workload.identity/client-id: "$KARPENTER_IDENTITY_CLIENT_ID"
podLabels:
  azure.workload.identity/use: "true"
settings:
  featureGates:
    # Kaito asks for a fixed number of nodes for each workspace.
    staticCapacity: true
controller:
  resources:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: "1", memory: 1Gi}
  env:
    - {name: CLUSTER_NAME, value: "$AKS_CLUSTER_NAME"}
    - {name: CLUSTER_ENDPOINT, value: "$endpoint"}
    - name: KUBELET_BOOTSTRAP_TOKEN
      valueFrom: {secretKeyRef: {name: node-bootstrap, key: token}}
    - {name: SSH_PUBLIC_KEY, value: "$key"}
    - {name: NETWORK_PLUGIN, value: azure}
    - {name: NETWORK_PLUGIN_MODE, value: overlay}
    - {name: NETWORK_POLICY, value: cilium}
    - {name: NETWORK_DATAPLANE, value: cilium}
    - {name: VNET_SUBNET_ID, value: "$GPU_SUBNET_ID"}
    - {name: VNET_GUID, value: "$guid"}
    - {name: NODE_IDENTITIES, value: "$kubelet_identity"}
    - {name: KUBELET_IDENTITY_CLIENT_ID, value: "$kubelet_client"}
    - {name: AZURE_SUBSCRIPTION_ID, value: "$AZURE_SUBSCRIPTION_ID"}
    - {name: LOCATION, value: "$AZURE_LOCATION"}
    - {name: AZURE_NODE_RESOURCE_GROUP, value: "$AKS_NODE_RESOURCE_GROUP"}
    - {name: ARM_RESOURCE_GROUP, value: "$AZURE_RESOURCE_GROUP"}
    - {name: ENABLE_AZURE_SDK_LOGGING, value: "false"}
YAML
}

kaito_values() {
  cat <<YAML
clusterName: "$AKS_CLUSTER_NAME"
cloudProviderName: azure
nodeProvisioner: karpenter
featureGates:
  enableInferenceSetController: true
YAML
}

# install RELEASE VERSION SHA256 CHART VALUES: into the namespace of that name. helm's own waiting is left out, for the
# reasons that this script gives are better.
install() {
  local release=$1 version=$2 sha256=$3 chart=$4 values=$5 folder=$WORK/$1 file found
  mkdir -p "$folder"
  attempt 3 "download the chart of $release" helm pull "$chart" --version "$version" --destination "$folder"
  file=$(echo "$folder"/*.tgz)
  found=$(sha256 "$file")
  if [[ -z $sha256 ]]; then
    note "its digest is not checked: $found"
  elif [[ $found != "$sha256" ]]; then
    fail "the chart of $release $version is not the one that was looked at" "expected $sha256" "found    $found" \
      "do not install it before you know why"
  fi
  attempt 3 "install $release" helm upgrade --install "$release" "$file" --namespace "$release" --create-namespace \
    --values "$values" --take-ownership --history-max 3
}

# macOS has it under another name.
sha256() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1
}

# attempt TIMES WHAT COMMAND…
attempt() {
  local times=$1 what=$2 number
  shift 2
  for ((number = 1; number <= times; number++)); do
    if "$@"; then return; fi
    note "helm could not $what (attempt $number of $times)"
    sleep "$POLL_SECONDS"
  done
  fail "helm could not $what" "its message stands above" \
    "'another operation is in progress' means that a run was cut off: helm rollback <release> --namespace <release>"
}

# is_running NAMESPACE DEPLOYMENT: whether the operator runs as it was last asked to, and all of it is ready.
is_running() {
  local seen
  seen=$(kubectl get deployment "$2" --namespace "$1" --ignore-not-found --output \
    'jsonpath={.metadata.generation}={.status.observedGeneration} {.spec.replicas}={.status.updatedReplicas} {.spec.replicas}={.status.availableReplicas}')
  [[ $seen =~ ^([0-9]+)=([0-9]+)\ ([0-9]+)=([0-9]+)\ ([0-9]+)=([0-9]+)$ ]] &&
    ((BASH_REMATCH[1] == BASH_REMATCH[2] && BASH_REMATCH[3] == BASH_REMATCH[4] && BASH_REMATCH[5] == BASH_REMATCH[6]))
}

wait_until_running() {
  note "waiting until $2 runs"
  wait_for "$KAITO_DEADLINE_SECONDS" is_running "$1" "$2" || {
    explain_pods "$1" "app.kubernetes.io/instance=$2" >&2
    fail -c "$EXIT_DEADLINE" "$2 does not run after $KAITO_DEADLINE_SECONDS seconds" \
      "look: kubectl describe pods --namespace $1; then run this again"
  }
}

step "Karpenter $KARPENTER_VERSION: GPU nodes, in their own subnet"
bootstrap_token
karpenter_values >"$WORK/karpenter.yaml"
install karpenter "$KARPENTER_VERSION" "$KARPENTER_SHA256" "$KARPENTER_CHART" "$WORK/karpenter.yaml"
wait_until_running karpenter karpenter

step "Kaito $KAITO_VERSION: the model"
kaito_values >"$WORK/kaito.yaml"
install kaito-workspace "$KAITO_VERSION" "$KAITO_SHA256" "$KAITO_CHART" "$WORK/kaito.yaml"
wait_until_running kaito-workspace kaito-workspace

note "waiting until the cluster knows Kaito's kinds"
wait_for "$KAITO_DEADLINE_SECONDS" quietly kubectl get inferencesets.kaito.sh --all-namespaces ||
  fail -c "$EXIT_DEADLINE" "the cluster does not know inferencesets.kaito.sh" "kubectl get crd | grep kaito"
