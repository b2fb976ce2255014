// The certified client most Node applications use, as a daemon and as a resource server.
//
// usage: node machine_openid_client.mjs ISSUER RESOURCE CLIENT_ID client_secret_basic|private_key_jwt PROOF
//
// PROOF is the secret, or the PEM file of the private key. Prints one JSON report.

import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";

import * as oidc from "openid-client";

const [issuer, resource, clientId, method, proof] = process.argv.slice(2);

async function authentication() {
  if (method === "client_secret_basic") return oidc.ClientSecretBasic(proof);
  const pkcs8 = createPrivateKey(readFileSync(proof)).export({ type: "pkcs8", format: "der" });
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  return oidc.PrivateKeyJwt({ key: await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]), kid: "daemon-1" });
}

const auth = await authentication();
const options = { execute: [oidc.allowInsecureRequests], algorithm: "oauth2" };
const configuration = await oidc.discovery(new URL(issuer), clientId, {}, auth, options);
const tokens = await oidc.clientCredentialsGrant(configuration, { resource, scope: "mcp:tools" });
const good = await oidc.tokenIntrospection(configuration, tokens.access_token);
await oidc.tokenRevocation(configuration, tokens.access_token);
const revoked = await oidc.tokenIntrospection(configuration, tokens.access_token);
const wider = await oidc.clientCredentialsGrant(configuration, { resource, scope: "model:invoke" }).catch((e) => e);

console.log(
  JSON.stringify({
    scope: tokens.scope,
    refresh_token: tokens.refresh_token ?? null,
    introspected: { active: good.active, sub: good.sub, aud: good.aud, scope: good.scope },
    revoked,
    wider: wider.error,
  }),
);
