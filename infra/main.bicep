// Everything in Azure but the gateway's APIs: one resource group, one module for each thing that is drawn. Run by
// `azd provision` (azure.yaml) with main.parameters.json; the outputs are what scripts/ and k8s/overlays/azure/
// deployment.env are filled from, under these names. The gateway's APIs and policies come afterwards
// (scripts/deploy-gateway.sh): saving them needs an authorization server that answers.
targetScope = 'subscription'

@description('Name of the azd environment; part of the names, and the tag azd finds its resources by.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Azure region of everything. docs/azure.md says which have all that is needed.')
@minLength(1)
param location string

@description('Object id of whoever deploys; gets what the scripts after provisioning need.')
@minLength(36)
param principalId string

@allowed(['User', 'Group', 'ServicePrincipal'])
param principalType string = 'User'

@description('Where alerts go, and the contact that API Management demands.')
@minLength(3)
param operatorEmail string

@description('Shown as the publisher of the gateway.')
@minLength(1)
param organizationName string = 'mcpstack'

@description('API Management tier. Developer has no SLA and no scale; Premium is for several regions or units.')
@allowed(['StandardV2', 'Developer', 'Premium'])
param gatewayTier string = 'StandardV2'

@description('Host name of a domain of your own for the gateway, or empty: <name>.azure-api.net.')
param gatewayHostName string = ''

@description('Key Vault secret URI, without version, of that domain\'s certificate.')
param gatewayCertificateId string = ''

@description('Size of the system nodes. As drawn, DS2_v2, has two processors; AKS wants four in a system pool.')
param systemNodeSize string = 'Standard_D4ds_v5'

@description('Zones of the system nodes; by default three, where the region has them.')
param zones string[] = pickZones('Microsoft.Compute', 'virtualMachineScaleSets', location, 3)

@description('Size of each of the two Azure Managed Redis. Balanced_B0 is the smallest, half a gigabyte.')
param redisSize string = 'Balanced_B0'

@description('recover takes back a vault that was deleted with an earlier environment of this name.')
@allowed(['default', 'recover'])
param keyVaultCreateMode string = 'default'

var abbreviations = loadJsonContent('abbreviations.json')
var tags = { 'azd-env-name': environmentName }
// Names that are unique in the world: the same each time for this subscription, environment and region.
var token = toLower(uniqueString(subscription().id, environmentName, location))
var resourceGroupName = '${abbreviations.resourceGroup}${environmentName}'
var nodeResourceGroupName = '${abbreviations.resourceGroup}${environmentName}-nodes'
var clusterName = '${abbreviations.managedCluster}${token}'
var gatewayName = '${abbreviations.apiManagement}${token}'
// Known before the service exists, so that the sign-in application does not wait for it (up to 45 minutes).
var gatewayUrl = 'https://${empty(gatewayHostName) ? '${gatewayName}.azure-api.net' : gatewayHostName}'

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

module network 'modules/network.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.virtualNetwork}${token}'
    securityGroupPrefix: '${abbreviations.networkSecurityGroup}${token}'
    gatewayTier: gatewayTier
  }
}

module dns 'modules/dns.bicep' = {
  scope: group
  params: {
    tags: tags
    networkId: network.outputs.networkId
    authserverAddress: network.outputs.authserverAddress
    mcpserverAddress: network.outputs.mcpserverAddress
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    logAnalyticsName: '${abbreviations.logAnalyticsWorkspace}${token}'
    applicationInsightsName: '${abbreviations.applicationInsights}${token}'
    monitorWorkspaceName: '${abbreviations.monitorWorkspace}${token}'
  }
}

module clusterIdentity 'modules/cluster-identity.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.managedIdentity}aks-${token}'
    networkName: network.outputs.networkName
    systemSubnetName: network.outputs.systemSubnetName
    gpuSubnetName: network.outputs.gpuSubnetName
    joinSubnetRoleId: network.outputs.joinSubnetRoleId
  }
}

module cluster 'modules/aks.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: clusterName
    nodeResourceGroupName: nodeResourceGroupName
    identityId: clusterIdentity.outputs.id
    systemSubnetId: network.outputs.systemSubnetId
    systemNodeSize: systemNodeSize
    zones: zones
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
    deployerId: principalId
    deployerType: principalType
  }
}

module collection 'modules/collection.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    clusterName: cluster.outputs.name
    endpointName: '${abbreviations.dataCollectionEndpoint}${token}'
    rulePrefix: '${abbreviations.dataCollectionRule}${token}'
    monitorWorkspaceId: monitoring.outputs.monitorWorkspaceId
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module identities 'modules/identities.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    namePrefix: abbreviations.managedIdentity
    nameSuffix: token
    oidcIssuer: cluster.outputs.oidcIssuer
  }
}

module gatewayIdentity 'modules/gateway-identity.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.managedIdentity}apim-${token}'
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

module gpuPool 'modules/gpu-pool.bicep' = {
  scope: group
  params: {
    karpenterPrincipalId: identities.outputs.karpenterPrincipalId
    nodeResourceGroupName: cluster.outputs.nodeResourceGroupName
    kubeletIdentityId: cluster.outputs.kubeletIdentityId
    networkName: network.outputs.networkName
    gpuSubnetName: network.outputs.gpuSubnetName
    joinSubnetRoleId: network.outputs.joinSubnetRoleId
  }
}

module scaling 'modules/scaling-access.bicep' = {
  scope: group
  params: {
    kedaPrincipalId: identities.outputs.kedaPrincipalId
    monitorWorkspaceName: monitoring.outputs.monitorWorkspaceName
  }
}

module registry 'modules/registry.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.containerRegistry}${token}'
    kubeletPrincipalId: cluster.outputs.kubeletPrincipalId
    deployerId: principalId
    deployerType: principalType
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.storageAccount}${token}'
    privateEndpointName: '${abbreviations.privateEndpoint}blob-${token}'
    endpointSubnetId: network.outputs.mcpserverEndpointSubnetId
    zoneId: dns.outputs.blobZoneId
    mcpserverPrincipalId: identities.outputs.mcpserverPrincipalId
  }
}

module authserverRedis 'modules/redis.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.redis}auth-${token}'
    size: redisSize
    privateEndpointName: '${abbreviations.privateEndpoint}redis-auth-${token}'
    endpointSubnetId: network.outputs.authserverEndpointSubnetId
    zoneId: dns.outputs.redisZoneId
    serverPrincipalId: identities.outputs.authserverPrincipalId
  }
}

module mcpserverRedis 'modules/redis.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.redis}mcp-${token}'
    size: redisSize
    privateEndpointName: '${abbreviations.privateEndpoint}redis-mcp-${token}'
    endpointSubnetId: network.outputs.mcpserverEndpointSubnetId
    zoneId: dns.outputs.redisZoneId
    serverPrincipalId: identities.outputs.mcpserverPrincipalId
  }
}

module keyVault 'modules/keyvault.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.keyVault}${token}'
    createMode: keyVaultCreateMode
    authserverPrincipalId: identities.outputs.authserverPrincipalId
    deployerId: principalId
    deployerType: principalType
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module entra 'modules/entra.bicep' = {
  scope: group
  params: {
    environmentName: environmentName
    organizationName: organizationName
    gatewayUrl: gatewayUrl
    oidcIssuer: cluster.outputs.oidcIssuer
    deployerId: principalId
    deployerType: principalType
  }
}

module gateway '../apim/service.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: gatewayName
    tier: gatewayTier
    publisherName: organizationName
    publisherEmail: operatorEmail
    subnetId: network.outputs.gatewaySubnetId
    identityId: gatewayIdentity.outputs.id
    identityClientId: gatewayIdentity.outputs.clientId
    hostName: gatewayHostName
    certificateSecretId: gatewayCertificateId
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    actionGroupName: '${abbreviations.actionGroup}${token}'
    operatorEmail: operatorEmail
    clusterName: cluster.outputs.name
    clusterId: cluster.outputs.id
    monitorWorkspaceId: monitoring.outputs.monitorWorkspaceId
    logAnalyticsWorkspaceId: monitoring.outputs.logAnalyticsWorkspaceId
    redisIds: [authserverRedis.outputs.id, mcpserverRedis.outputs.id]
  }
}

module availability 'modules/availability.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    name: '${abbreviations.webTest}${token}'
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    actionGroupId: alerts.outputs.actionGroupId
    gatewayUrl: gatewayUrl
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsId: monitoring.outputs.applicationInsightsId
  }
}

output AZURE_LOCATION string = location
output AZURE_SUBSCRIPTION_ID string = subscription().subscriptionId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId
output AKS_CLUSTER_NAME string = cluster.outputs.name
output AKS_OIDC_ISSUER string = cluster.outputs.oidcIssuer
output AKS_NODE_RESOURCE_GROUP string = cluster.outputs.nodeResourceGroupName
output ACR_NAME string = registry.outputs.name
output ACR_LOGIN_SERVER string = registry.outputs.loginServer
output APIM_NAME string = gateway.outputs.name
output APIM_GATEWAY_URL string = gatewayUrl
output APIM_SUBNET_PREFIX string = network.outputs.gatewaySubnetPrefix
output APIM_IDENTITY_CLIENT_ID string = gatewayIdentity.outputs.clientId
output STORAGE_ACCOUNT_URL string = storage.outputs.url
output AUTHSERVER_REDIS_URL string = authserverRedis.outputs.url
output MCPSERVER_REDIS_URL string = mcpserverRedis.outputs.url
output KEY_VAULT_NAME string = keyVault.outputs.name
output LOGIN_APP_CLIENT_ID string = entra.outputs.loginClientId
output API_APP_CLIENT_ID string = entra.outputs.apiClientId
output AUTHSERVER_IDENTITY_CLIENT_ID string = identities.outputs.authserverClientId
output MCPSERVER_IDENTITY_CLIENT_ID string = identities.outputs.mcpserverClientId
output KARPENTER_IDENTITY_CLIENT_ID string = identities.outputs.karpenterClientId
output KEDA_IDENTITY_CLIENT_ID string = identities.outputs.kedaClientId
output PROMETHEUS_QUERY_ENDPOINT string = monitoring.outputs.prometheusQueryEndpoint
// An address with the key that lets somebody add telemetry, and read none; Azure does not count it as a secret.
output APPLICATIONINSIGHTS_CONNECTION_STRING string = monitoring.outputs.applicationInsightsConnectionString
output GPU_SUBNET_ID string = network.outputs.gpuSubnetId
output AUTHSERVER_INTERNAL_IP string = network.outputs.authserverAddress
output MCPSERVER_INTERNAL_IP string = network.outputs.mcpserverAddress
output AUTHSERVER_INTERNAL_URL string = 'http://${dns.outputs.authserverHost}'
output MCPSERVER_INTERNAL_URL string = 'http://${dns.outputs.mcpserverHost}'
