# shellcheck shell=bash
# Owns how the two servers are: their Deployments in namespace mcpstack, and what hinders them. Sourced by deploy.sh,
# deploy-gateway.sh and diagnose.sh; only reads.

readonly NAMESPACE=mcpstack
: "${ROLLOUT_DEADLINE_SECONDS:=600}"

# wait_for_server NAME: until the newest version of it is out and ready; else why not, and its last lines.
wait_for_server() {
  kubectl rollout status "deployment/$1" --namespace "$NAMESPACE" --timeout "${ROLLOUT_DEADLINE_SECONDS}s" || {
    explain_server "$1" >&2
    fail -c "$EXIT_DEADLINE" "$1 is not ready after $ROLLOUT_DEADLINE_SECONDS seconds" \
      "the version that was there before still serves; look: scripts/diagnose.sh servers"
  }
}

explain_server() {
  printf '%s:\n' "$1"
  explain_pods "$NAMESPACE" "app.kubernetes.io/name=$1"
}

# has_address NAME ADDRESS: whether the Service has got its address in the network.
has_address() {
  [[ $(kubectl get service "$1" --namespace "$NAMESPACE" --ignore-not-found \
    --output 'jsonpath={.status.loadBalancer.ingress[0].ip}') == "$2" ]]
}
