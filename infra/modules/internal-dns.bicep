// mcpstack.internal: the names by which the gateway reaches the two servers' internal load balancers. Used by
// main.bicep. The addresses are fixed, so the names can be made before the load balancers.
param tags object
param networkId string
param authserverAddress string
param mcpserverAddress string

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: 'mcpstack.internal'
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = {
  parent: zone
  name: 'network'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: networkId }
  }
}

resource authserver 'Microsoft.Network/privateDnsZones/A@2024-06-01' = {
  parent: zone
  name: 'authserver'
  properties: {
    ttl: 300
    aRecords: [{ ipv4Address: authserverAddress }]
  }
}

resource mcpserver 'Microsoft.Network/privateDnsZones/A@2024-06-01' = {
  parent: zone
  name: 'mcpserver'
  properties: {
    ttl: 300
    aRecords: [{ ipv4Address: mcpserverAddress }]
  }
}

output authserverHost string = '${authserver.name}.${zone.name}'
output mcpserverHost string = '${mcpserver.name}.${zone.name}'
