// The GPU node pool, as far as Azure knows it: what Karpenter may do. Size, labels (workload=gpu, kaito=true), taint and
// the limit of 3 stand in k8s/kaito. Used by main.bicep.
param karpenterPrincipalId string
@description('The group where AKS keeps its nodes. From the cluster\'s outputs: see below.')
param nodeResourceGroupName string
param networkName string
param gpuSubnetName string
@description('From network.bicep.')
param joinSubnetRoleId string
@description('Resource id of the identity that AKS made for its nodes.')
param kubeletIdentityId string

var reader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'acdd72a7-3385-48ef-bd42-f606fba81ae7')

resource network 'Microsoft.Network/virtualNetworks@2025-07-01' existing = {
  name: networkName
  resource gpuSubnet 'subnets' existing = { name: gpuSubnetName }
}

// Its nodes are in the GPU subnet.
resource joinsSubnet 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network::gpuSubnet
  name: guid(network::gpuSubnet.id, karpenterPrincipalId, joinSubnetRoleId)
  properties: {
    roleDefinitionId: joinSubnetRoleId
    principalId: karpenterPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// It reads the network's id, which Azure CNI Overlay wants as a label of each node.
resource readsNetwork 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: network
  name: guid(network.id, karpenterPrincipalId, reader)
  properties: {
    roleDefinitionId: reader
    principalId: karpenterPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// AKS makes that group. Called from main.bicep, this module would be refused before anything is made, because Azure looks
// for the group first; here it does not, because this deployment has parameters that are known only after the cluster.
module machines 'gpu-pool-machines.bicep' = {
  scope: resourceGroup(nodeResourceGroupName)
  params: {
    karpenterPrincipalId: karpenterPrincipalId
    kubeletIdentityName: last(split(kubeletIdentityId, '/'))
  }
}
