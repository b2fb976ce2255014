// What Karpenter may do in the group where AKS keeps its nodes. Used by gpu-pool.bicep, in that group.
param karpenterPrincipalId string

// To make and remove the machines and their interfaces, and to give them the kubelet's identity, which is in this
// group too.
var roles = {
  virtualMachineContributor: '9980e02c-c2be-4d73-94e8-173b1dc7cf3c'
  networkContributor: '4d97b98b-1d4f-4787-a291-c67834d212e7'
  managedIdentityOperator: 'f1a07417-d97a-45cb-824c-7a7467783830'
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(resourceGroup().id, karpenterPrincipalId, role.value)
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: karpenterPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]
