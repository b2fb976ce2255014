// The API Management service itself: tier, network, identity, host name, TLS, logs. Used by infra/main.bicep.
// Must not define APIs or policies: they are saved after the servers behind answer (apis.bicep, mcp-apis.bicep).
param location string
param tags object
param name string

@description('Developer has no SLA and does not scale; Premium is for several units, zones or regions.')
@allowed(['StandardV2', 'Developer', 'Premium'])
param tier string

param publisherName string
param publisherEmail string

@description('The gateway\'s subnet: delegated to Microsoft.Web/serverFarms for StandardV2, not delegated for the others.')
param subnetId string

@description('Resource id and client id of id-apim: writes telemetry, reads the certificate of a domain of one\'s own.')
param identityId string
param identityClientId string

@description('A domain of one\'s own, or empty: <name>.azure-api.net.')
param hostName string

@description('Key Vault secret URI, without version, of that domain\'s certificate; needed with hostName.')
param certificateSecretId string

param logAnalyticsWorkspaceId string

var isClassic = tier != 'StandardV2'

// The v2 tiers speak TLS 1.2 and later only and let nobody change it; in the classic ones the old is switched off here.
var security = 'Microsoft.WindowsAzure.ApiManagement.Gateway.Security'
var oldProtocols = {
  '${security}.Protocols.Tls10': 'false'
  '${security}.Protocols.Tls11': 'false'
  '${security}.Backend.Protocols.Tls10': 'false'
  '${security}.Backend.Protocols.Tls11': 'false'
}
// Every suite that may be switched off: without forward secrecy, or CBC with SHA-1, or 3DES.
var oldCiphers = {
  '${security}.Ciphers.TripleDes168': 'false'
  '${security}.Ciphers.TLS_RSA_WITH_AES_128_CBC_SHA': 'false'
  '${security}.Ciphers.TLS_RSA_WITH_AES_128_CBC_SHA256': 'false'
  '${security}.Ciphers.TLS_RSA_WITH_AES_128_GCM_SHA256': 'false'
  '${security}.Ciphers.TLS_RSA_WITH_AES_256_CBC_SHA': 'false'
  '${security}.Ciphers.TLS_RSA_WITH_AES_256_CBC_SHA256': 'false'
  '${security}.Ciphers.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA': 'false'
  '${security}.Ciphers.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA': 'false'
  '${security}.Ciphers.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA': 'false'
  '${security}.Ciphers.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA': 'false'
}

resource service 'Microsoft.ApiManagement/service@2024-05-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: tier, capacity: 1 }
  // User-assigned alone: its rights exist before the service does.
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identityId}': {} } }
  properties: {
    publisherName: publisherName
    publisherEmail: publisherEmail
    // One word for two things: in v2 the gateway only sends from the subnet, in the classic tiers it lives in it. Both
    // stay reachable from the internet. The classic ones bring a public address that Azure manages; none of ours.
    virtualNetworkType: 'External'
    virtualNetworkConfiguration: { subnetResourceId: subnetId }
    publicNetworkAccess: 'Enabled'
    developerPortalStatus: 'Disabled'
    // Tools older than this would get secrets in plain text.
    apiVersionConstraint: { minApiVersion: '2021-08-01' }
    customProperties: isClassic ? union(oldProtocols, oldCiphers) : null
    hostnameConfigurations: empty(hostName)
      ? null
      : [
          {
            type: 'Proxy'
            hostName: hostName
            certificateSource: 'KeyVault'
            // Without version: a renewed certificate is taken over within four hours.
            keyVaultId: certificateSecretId
            identityClientId: identityClientId
            defaultSslBinding: true
            negotiateClientCertificate: false
          }
        ]
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: service
  name: 'log-analytics'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    // Table ApiManagementGatewayLogs, which the alert gateway-errors asks. What is in a line, and what is hidden there,
    // is said by the diagnostic `azuremonitor` in apis.bicep.
    logAnalyticsDestinationType: 'Dedicated'
    logs: [{ category: 'GatewayLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

output name string = service.name
output gatewayUrl string = 'https://${empty(hostName) ? '${name}.azure-api.net' : hostName}'
