// KEDA asks Azure Monitor for model_demand before it scales the model. Used by main.bicep.
param kedaPrincipalId string
param monitorWorkspaceName string

var monitoringDataReader = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b0d8363b-8ddd-447d-831f-62ca05bff136')

resource workspace 'Microsoft.Monitor/accounts@2023-04-03' existing = {
  name: monitorWorkspaceName
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, kedaPrincipalId, monitoringDataReader)
  properties: {
    roleDefinitionId: monitoringDataReader
    principalId: kedaPrincipalId
    principalType: 'ServicePrincipal'
  }
}
