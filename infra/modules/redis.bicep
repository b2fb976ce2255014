// One Azure Managed Redis, of one server. Used by main.bicep, twice: an instance has one database and one access policy,
// and people's own tools run in mcpserver, which must not reach the authorization server's store. It loses nothing that
// was acknowledged (no eviction, append-only file), knows no password, and has no public address.
param location string
param tags object
param name string
param size string
param privateEndpointName string
param endpointSubnetId string
param zoneId string
@description('The one identity that may use it.')
param serverPrincipalId string

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

resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'server'
  properties: {
    accessPolicyName: 'default'
    user: { objectId: serverPrincipalId }
  }
}

module endpoint 'private-endpoint.bicep' = {
  // Azure refuses two changes of one instance at the same time.
  dependsOn: [access]
  params: {
    location: location
    tags: tags
    name: privateEndpointName
    subnetId: endpointSubnetId
    serviceId: cluster.id
    groupId: 'redisEnterprise'
    zoneId: zoneId
  }
}

output id string = cluster.id
output url string = 'rediss://${cluster.properties.hostName}:${database.properties.port}'
