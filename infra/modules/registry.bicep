// The images of the two servers. Used by main.bicep. Nodes pull as the kubelet's identity; there is no password.
param location string
param tags object
param name string
param kubeletPrincipalId string
param deployerId string
param deployerType string

var pull = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '7f951dda-4ed3-4680-a7ca-43fe172d538d')
var push = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '8311e382-0749-4cb8-b61a-304f252e45ec')

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: name
  location: location
  tags: tags
  sku: { name: 'Standard' }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    // Private endpoints need Premium; what is here is pulled with a token of Entra ID.
    publicNetworkAccess: 'Enabled'
  }
}

resource nodesPull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, kubeletPrincipalId, pull)
  properties: {
    roleDefinitionId: pull
    principalId: kubeletPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource deployerPushes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, deployerId, push)
  properties: {
    roleDefinitionId: push
    principalId: deployerId
    principalType: deployerType
  }
}

output name string = registry.name
output loginServer string = registry.properties.loginServer
