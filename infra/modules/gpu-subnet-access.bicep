// Karpenter puts its nodes into the GPU subnet and reads the network's id, which Azure CNI Overlay wants as a label of
// each node. Used by main.bicep.
param karpenterPrincipalId string
param networkName string
param gpuSubnetName string

var networkContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4d97b98b-1d4f-4787-a291-c67834d212e7')
var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' existing = {
  name: networkName
  resource gpuSubnet 'subnets' existing = { name: gpuSubnetName }
}

resource joinsSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network::gpuSubnet
  name: guid(network::gpuSubnet.id, karpenterPrincipalId, networkContributor)
  properties: {
    roleDefinitionId: networkContributor
    principalId: karpenterPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource readsNetwork 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network
  name: guid(network.id, karpenterPrincipalId, reader)
  properties: {
    roleDefinitionId: reader
    principalId: karpenterPrincipalId
    principalType: 'ServicePrincipal'
  }
}
