// One private endpoint: the way from the cluster to a service that has no public address. Used by storage.bicep and
// redis.bicep.
param location string
param tags object
param name string
param subnetId string
@description('The service behind the endpoint.')
param serviceId string
@description('Which part of the service: blob, redisEnterprise.')
param groupId string
@description('The zone in which the service\'s public name becomes the private address (dns.bicep).')
param zoneId string

resource endpoint 'Microsoft.Network/privateEndpoints@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: groupId
        properties: {
          privateLinkServiceId: serviceId
          groupIds: [groupId]
        }
      }
    ]
  }
}

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-07-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [{ name: groupId, properties: { privateDnsZoneId: zoneId } }]
  }
}
