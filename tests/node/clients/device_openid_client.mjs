// The certified client most Node applications use, on a device without a browser (RFC 8628).
//
// usage: node device_openid_client.mjs ISSUER RESOURCE CLIENT_ID BROWSER
//
// BROWSER is run once with the address that holds the code. Prints one JSON report.

import { spawn } from "node:child_process";

import * as oidc from "openid-client";

const [issuer, resource, clientId, browser] = process.argv.slice(2);
const options = { execute: [oidc.allowInsecureRequests] };
const configuration = await oidc.discovery(new URL(issuer), clientId, {}, oidc.None(), options);
const codes = await oidc.initiateDeviceAuthorization(configuration, { scope: "mcp:tools", resource });
spawn(browser, [codes.verification_uri_complete], { stdio: "ignore" });
const tokens = await oidc.pollDeviceAuthorizationGrant(configuration, codes, { resource });
const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token, { resource });
console.log(
  JSON.stringify({
    code: /^[B-Z]{4}-[B-Z]{4}$/.test(codes.user_code),
    scope: tokens.scope,
    rotated: refreshed.refresh_token !== tokens.refresh_token,
    sign_out: oidc.buildEndSessionUrl(configuration, {}).pathname,
  }),
);
