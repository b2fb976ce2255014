// Azure Managed Redis: authserver's state and mcpserver's sessions. Used by main.bicep. It loses nothing that was
// acknowledged (no eviction, append-only file), knows no password, and is reached through a private endpoint.
param location string
param tags object
param name string
param size string
param privateEndpointName string
param networkId string
param endpointSubnetId string
param authserverPrincipalId string
param mcpserverPrincipalId string

resource cluster 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: size }
  properties: {
    highAvailability: 'Enabled'
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Disabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cluster
  name: 'default'
  properties: {
    clientProtocol: 'Encrypted'
    port: 10000
    // One address, as a single Redis has: the servers need no cluster client.
    clusteringPolicy: 'EnterpriseCluster'
    // Azure's default evicts: a session that disappears under pressure is somebody signed out.
    evictionPolicy: 'NoEviction'
    persistence: { aofEnabled: true, aofFrequency: '1s', rdbEnabled: false }
    accessKeysAuthentication: 'Disabled'
  }
}

// Azure Managed Redis has this one policy; what keeps the two servers apart is the prefix of their keys.
resource authserverMay 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'authserver'
  properties: {
    accessPolicyName: 'default'
    user: { objectId: authserverPrincipalId }
  }
}

resource mcpserverMay 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'mcpserver'
  // Azure refuses two changes of one database at the same time.
  dependsOn: [authserverMay]
  properties: {
    accessPolicyName: 'default'
    user: { objectId: mcpserverPrincipalId }
  }
}

module endpoint 'private-endpoint.bicep' = {
  dependsOn: [mcpserverMay]
  params: {
    location: location
    tags: tags
    name: privateEndpointName
    networkId: networkId
    subnetId: endpointSubnetId
    serviceId: cluster.id
    groupId: 'redisEnterprise'
    zoneName: 'privatelink.redis.azure.net'
  }
}

output id string = cluster.id
output url string = 'rediss://${cluster.properties.hostName}:${database.properties.port}'
