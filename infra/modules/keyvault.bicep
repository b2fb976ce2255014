// The vault for authserver's master secret, which scripts/deploy.sh makes once. Used by main.bicep. Open to the
// internet, because whoever deploys writes to it from where they are; what guards it is Entra ID, and each use is logged.
param location string
param tags object
param name string
@allowed(['default', 'recover'])
param createMode string
param authserverPrincipalId string
param deployerId string
param deployerType string
param logAnalyticsWorkspaceId string

var secretsUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4633458b-17de-408a-b874-0445c86b69e6')
var secretsOfficer = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7')

resource vault 'Microsoft.KeyVault/vaults@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    createMode: createMode
    enableRbacAuthorization: true
    // Without the master secret every stored signing key and session is unreadable: nobody deletes it for good in a hurry.
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: 'Enabled'
  }
}

resource authserverReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, authserverPrincipalId, secretsUser)
  properties: {
    roleDefinitionId: secretsUser
    principalId: authserverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource deployerWrites 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, deployerId, secretsOfficer)
  properties: {
    roleDefinitionId: secretsOfficer
    principalId: deployerId
    principalType: deployerType
  }
}

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'audit'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    logs: [{ category: 'AuditEvent', enabled: true }]
  }
}

output name string = vault.name
