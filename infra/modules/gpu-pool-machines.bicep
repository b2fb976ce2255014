// What Karpenter may do in the group where AKS keeps its nodes: make and remove machines of its own. Used by gpu-pool.bicep,
// in that group. Azure's Virtual Machine Contributor, which Karpenter's documentation names, would let it run commands as
// root on the system nodes as well, next to authserver; these are the calls that Karpenter 1.x makes.
param karpenterPrincipalId string
param kubeletIdentityName string

var groupId = resourceGroup().id
var identityOperator = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'f1a07417-d97a-45cb-824c-7a7467783830')

resource machines 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(groupId, 'karpenter')
  properties: {
    // Unique in the tenant.
    roleName: 'Karpenter machines (${resourceGroup().name})'
    description: 'mcpstack: make and remove GPU nodes'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: [
          'Microsoft.Resources/subscriptions/resourceGroups/read'
          // Sizes, images and quota of the region.
          'Microsoft.Compute/locations/*'
          'Microsoft.Compute/skus/read'
          'Microsoft.Compute/virtualMachines/read'
          'Microsoft.Compute/virtualMachines/write'
          'Microsoft.Compute/virtualMachines/delete'
          'Microsoft.Compute/virtualMachines/extensions/read'
          'Microsoft.Compute/virtualMachines/extensions/write'
          'Microsoft.Compute/virtualMachines/extensions/delete'
          'Microsoft.Compute/disks/read'
          'Microsoft.Compute/disks/write'
          'Microsoft.Compute/disks/delete'
          'Microsoft.Network/networkInterfaces/read'
          'Microsoft.Network/networkInterfaces/write'
          'Microsoft.Network/networkInterfaces/delete'
          'Microsoft.Network/networkInterfaces/join/action'
          'Microsoft.Network/networkSecurityGroups/read'
          'Microsoft.Network/networkSecurityGroups/join/action'
          // Nodes reach the internet through the cluster's load balancer.
          'Microsoft.Network/loadBalancers/read'
          'Microsoft.Network/loadBalancers/backendAddressPools/read'
          'Microsoft.Network/loadBalancers/backendAddressPools/join/action'
        ]
      }
    ]
  }
}

resource makesMachines 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(groupId, karpenterPrincipalId, machines.id)
  properties: {
    roleDefinitionId: machines.id
    principalId: karpenterPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The add-ons' identities are in this group too; a new machine gets the kubelet's alone.
resource kubelet 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: kubeletIdentityName
}

resource givesKubelet 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: kubelet
  name: guid(kubelet.id, karpenterPrincipalId, identityOperator)
  properties: {
    roleDefinitionId: identityOperator
    principalId: karpenterPrincipalId
    principalType: 'ServicePrincipal'
  }
}
