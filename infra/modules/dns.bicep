// Private DNS of the virtual network. Used by main.bicep.
// - mcpstack.internal: the names by which the gateway reaches the two servers' internal load balancers, whose addresses
//   are fixed, so that the names can be made before the load balancers.
// - privatelink.…: where the public names of Blob Storage and Redis become private addresses (private-endpoint.bicep).
param tags object
param networkId string
param authserverAddress string
param mcpserverAddress string

var internalName = 'mcpstack.internal'
var blobName = 'privatelink.blob.${environment().suffixes.storage}'
var redisName = 'privatelink.redis.azure.net'

resource internal 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: internalName
  location: 'global'
  tags: tags

  resource authserver 'A' = {
    name: 'authserver'
    properties: {
      ttl: 300
      aRecords: [{ ipv4Address: authserverAddress }]
    }
  }

  resource mcpserver 'A' = {
    name: 'mcpserver'
    properties: {
      ttl: 300
      aRecords: [{ ipv4Address: mcpserverAddress }]
    }
  }

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
}

resource blob 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: blobName
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
}

resource redis 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: redisName
  location: 'global'
  tags: tags

  resource link 'virtualNetworkLinks' = {
    name: 'network'
    location: 'global'
    tags: tags
    properties: { registrationEnabled: false, virtualNetwork: { id: networkId } }
  }
}

output authserverHost string = 'authserver.${internalName}'
output mcpserverHost string = 'mcpserver.${internalName}'
output blobZoneId string = blob.id
output redisZoneId string = redis.id
