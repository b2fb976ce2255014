#!/usr/bin/env bash
# Tries the deployment out from outside, without signing in: what every MCP client asks for before a person appears.
#
# Usage: scripts/smoke-test.sh [--no-cluster]
#   --no-cluster  ask the public address alone, not Kubernetes
#
# Settings: APIM_GATEWAY_URL (from azd). SMOKE_DEADLINE_SECONDS (default 300): a gateway that was just configured takes
# a minute to serve. Leaves nothing behind: the client that it registers is removed again.
# When it fails: the line names the request, and what came instead of the answer.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/servers.sh
source "$ROOT/scripts/lib/servers.sh"
: "${SMOKE_DEADLINE_SECONDS:=300}"

with_cluster=true
while (($#)); do
  case $1 in
    --help | -h) show_help "$0" && exit ;;
    --no-cluster) with_cluster=false ;;
    *) unknown_option "$1" ;;
  esac
  shift
done

# ask STATUS PATTERN PATH OPTIONS…: whether the answer has a status like this and, in its headers or body, such a text.
ask() {
  local status=$1 pattern=$2 path=$3
  shift 3
  curl --silent --show-error --max-time 30 --include --output "$WORK/response" --write-out '%{http_code}' \
    "$@" "$APIM_GATEWAY_URL$path" >"$WORK/status" 2>"$WORK/curl" || return 1
  [[ $(<"$WORK/status") =~ ^($status)$ ]] && tr -d '\r' <"$WORK/response" | tr '\n' ' ' | grep -qE "$pattern"
}

# expect WHAT STATUS PATTERN PATH OPTIONS…
expect() {
  local what=$1
  shift
  if ! wait_for "$SMOKE_DEADLINE_SECONDS" ask "$@"; then
    sed 's/^/    /' "$WORK/curl" >&2
    # Headers and the start of the body; nothing in it is a secret, for nobody has signed in.
    head -c 1500 "$WORK/response" 2>/dev/null | sed 's/^/    /' >&2 || true
    fail "$what: $APIM_GATEWAY_URL$3 did not answer $1 with /$2/" \
      "5xx: the gateway does not reach the servers: scripts/diagnose.sh servers" \
      "404: the APIs are not there: scripts/deploy-gateway.sh" \
      "no connection: the host name, or its certificate (docs/azure.md)"
  fi
  note "$what"
}

load_values
need APIM_GATEWAY_URL
url=${APIM_GATEWAY_URL//./\\.}

step "Public address $APIM_GATEWAY_URL"
expect "authorization server metadata names this issuer" 200 "\"issuer\": ?\"$url\"" /.well-known/oauth-authorization-server
expect "OpenID configuration names this issuer" 200 "\"issuer\": ?\"$url\"" /.well-known/openid-configuration
expect "protected resource metadata names the resource" 200 "\"resource\": ?\"$url/mcp\"" /.well-known/oauth-protected-resource
expect "without a token: 401 and where to get one" 401 \
  "[Ww][Ww][Ww]-[Aa]uthenticate: Bearer .*resource_metadata=\"$url/\.well-known/oauth-protected-resource" /mcp \
  --request POST --header 'Content-Type: application/json' --data '{"jsonrpc":"2.0","id":1,"method":"ping"}'
expect "signing keys" 200 '"kid": ?"[^"]+"' /oauth/jwks

# Who may register is the operator's policy (docs/client-registration.md): refused is an answer too.
expect "registration answers" '201|400|401|403' . /oauth/register --request POST \
  --header 'Content-Type: application/json' \
  --data '{"client_name":"smoke test","redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none"}'
if [[ $(<"$WORK/status") != 201 ]]; then
  note "not to everybody: it answered $(<"$WORK/status")"
fi
# RFC 7592: what was registered is removed, by the token that came with it, which is not for other people's eyes.
field() { sed -nE "s/.*\"$1\": ?\"([^\"]+)\".*/\1/p" "$WORK/response" | tail -n 1; }
client=$(field registration_client_uri) token=$(field registration_access_token)
if [[ $client == "$APIM_GATEWAY_URL"/* && -n $token ]]; then
  printf 'header = "Authorization: Bearer %s"\n' "$token" >"$WORK/curl-options"
  curl --silent --show-error --max-time 30 --output /dev/null --request DELETE --config "$WORK/curl-options" "$client" ||
    note "the client that was registered for this test stays: $client"
fi

if [[ $with_cluster == true ]]; then
  step "Servers"
  use_cluster
  wait_for_server authserver
  wait_for_server mcpserver
fi
