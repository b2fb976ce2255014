#!/usr/bin/env bash
# Puts the APIs and policies into API Management, once the authorization server behind it answers.
#
# Usage: scripts/deploy-gateway.sh
#
# Settings, from azd: AZURE_RESOURCE_GROUP, APIM_NAME, APIM_GATEWAY_URL and a value for each parameter of
# apim/apis.bicep and apim/mcp-apis.bicep (apimName is APIM_NAME, and so on). ROLLOUT_DEADLINE_SECONDS (default 600).
# Repeatable: what is the same stays as it is. API Management fetches openid-configuration and the keys the moment it
# saves a policy with validate-jwt, over its own public name: hence two templates, and the order.
# When it fails: scripts/diagnose.sh servers, or the message of API Management above; then run it again.
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

# From inside the pod: nothing but the gateway's subnet may call it from outside, the API server's proxy included.
answers() {
  kubectl exec --namespace "$NAMESPACE" deployment/authserver --container authserver -- python -c \
    'import urllib.request as u; print(u.urlopen("http://127.0.0.1:8081/.well-known/openid-configuration", timeout=5).status)' \
    >"$WORK/answer" 2>&1 && grep -qx 200 "$WORK/answer"
}

# parameters FILE: the template's parameters that have a value, as JSON; stops at one that has none and no default.
parameters() {
  local name variable rest separator=''
  printf '{"%sschema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",' "$"
  printf ' "contentVersion": "1.0.0.0", "parameters": {'
  while read -r name rest; do
    variable=$(sed -E 's/([A-Z])/_\1/g' <<<"$name")
    variable=${variable^^}
    if [[ -n ${!variable:-} ]]; then
      [[ ${!variable} != *[\"\\]* ]] || fail -c "$EXIT_USAGE" "$variable has a quote or a backslash in it"
      printf '%s"%s": {"value": "%s"}' "$separator" "$name" "${!variable}"
      separator=', '
    elif [[ $rest != *=* ]]; then
      need "$variable"
    fi
  done < <(sed -n 's/^param  *//p' "$1")
  printf '}}\n'
}

load_values
need AZURE_RESOURCE_GROUP APIM_NAME APIM_GATEWAY_URL AUTHSERVER_INTERNAL_IP MCPSERVER_INTERNAL_IP AUTHSERVER_INTERNAL_URL

step "Authorization server, as the gateway will see it"
use_cluster
for server in "authserver $AUTHSERVER_INTERNAL_IP" "mcpserver $MCPSERVER_INTERNAL_IP"; do
  read -r name address <<<"$server"
  wait_for "$ROLLOUT_DEADLINE_SECONDS" has_address "$name" "$address" ||
    fail -c "$EXIT_DEADLINE" "Service $name has not got its address $address in the network" \
      "kubectl describe service $name --namespace $NAMESPACE" \
      "Forbidden there: the cluster's identity may not join the system subnet (infra/modules/cluster-identity.bicep)"
done
wait_for "$ROLLOUT_DEADLINE_SECONDS" answers || {
  sed 's/^/    /' "$WORK/answer" >&2
  explain_server authserver >&2
  fail -c "$EXIT_DEADLINE" "the authorization server does not answer /.well-known/openid-configuration" \
    "API Management would refuse the policies now; look: scripts/diagnose.sh servers"
}
note "openid-configuration answers"

# save TEMPLATE WHAT
save() {
  step "$2"
  parameters "$ROOT/apim/$1.bicep" >"$WORK/parameters.json"
  azure "API Management $APIM_NAME did not take apim/$1.bicep" az deployment group create \
    --resource-group "$AZURE_RESOURCE_GROUP" --name "mcpstack-gateway-$1" --template-file "$ROOT/apim/$1.bicep" \
    --parameters "@$WORK/parameters.json" --output none
  note "saved"
}

# What API Management itself will fetch, over the public name, when it saves validate-jwt.
is_public() {
  local path
  for path in /.well-known/openid-configuration /oauth/jwks; do
    curl --silent --fail --max-time 30 --output "$WORK/answer" "$APIM_GATEWAY_URL$path" 2>"$WORK/curl" || return
  done
}

# What Azure puts into a new service of the classic tiers: two products and an API that nobody asked for. A template cannot
# take anything away.
remove_samples() {
  local found name service=(--resource-group "$AZURE_RESOURCE_GROUP" --service-name "$APIM_NAME")
  found=$(azure "the products of $APIM_NAME" az apim product list "${service[@]}" \
    --query "[?name=='starter' || name=='unlimited'].name" --output tsv) || exit
  for name in $found; do
    azure "removing product $name" az apim product delete "${service[@]}" --product-id "$name" \
      --delete-subscriptions true --yes --output none
    note "sample product $name removed"
  done
  found=$(azure "the APIs of $APIM_NAME" az apim api list "${service[@]}" \
    --query "[?name=='echo-api'].name" --output tsv) || exit
  for name in $found; do
    azure "removing API $name" az apim api delete "${service[@]}" --api-id "$name" --delete-revisions true --yes --output none
    note "sample API $name removed"
  done
}

save apis "Public APIs of $APIM_NAME: sign-in and metadata"
wait_for "$ROLLOUT_DEADLINE_SECONDS" is_public || {
  sed 's/^/    /' "$WORK/curl" >&2
  fail -c "$EXIT_DEADLINE" "$APIM_GATEWAY_URL does not serve openid-configuration and the signing keys" \
    "a domain of your own: does its name point to the gateway? (docs/azure.md)" \
    "5xx: the gateway does not reach the authorization server: $AUTHSERVER_INTERNAL_URL"
}
note "openid-configuration and keys answer publicly"
save mcp-apis "APIs that ask for a token: MCP"
remove_samples
