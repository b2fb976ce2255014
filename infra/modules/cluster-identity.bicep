// id-aks: the identity of the cluster itself. Used by main.bicep, passed to aks.bicep. Made by us and not by AKS, so
// that it may use the subnets before the cluster exists.
param location string
param tags object
param name string
param networkName string
param systemSubnetName string
param gpuSubnetName string
@description('From network.bicep.')
param joinSubnetRoleId string

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' existing = {
  name: networkName
  resource systemSubnet 'subnets' existing = { name: systemSubnetName }
  resource gpuSubnet 'subnets' existing = { name: gpuSubnetName }
}

// Node interfaces and the internal load balancers are in the system subnet.
resource onSystemSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network::systemSubnet
  name: guid(network::systemSubnet.id, identity.id, joinSubnetRoleId)
  properties: {
    roleDefinitionId: joinSubnetRoleId
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

// A load balancer's members change with the nodes, and changing a GPU node's interface means joining its subnet again.
resource onGpuSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network::gpuSubnet
  name: guid(network::gpuSubnet.id, identity.id, joinSubnetRoleId)
  properties: {
    roleDefinitionId: joinSubnetRoleId
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
  }
}

output id string = identity.id
