// The storage account with the container `snippets`. Used by main.bicep. Reached through a private endpoint, by
// mcpserver's identity alone: there are no account keys to leak. The `deployment` container that was drawn is not made
// (docs/adr/0035-no-deployment-container.md).
param location string
param tags object
param name string
param privateEndpointName string
param endpointSubnetId string
param zoneId string
param mcpserverPrincipalId string

var blobDataContributor = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'ba92f5b4-2d11-453d-a403-e96b0029c9fe')

resource account 'Microsoft.Storage/storageAccounts@2025-08-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    // Nothing is copied from here to an account that this network does not reach.
    allowedCopyScope: 'PrivateLink'
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Disabled'
    networkAcls: { defaultAction: 'Deny', bypass: 'None' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-08-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: { enabled: true, days: 14 }
    containerDeleteRetentionPolicy: { enabled: true, days: 14 }
  }
}

resource snippets 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-08-01' = {
  parent: blobs
  name: 'snippets'
  properties: { publicAccess: 'None' }
}

// Versioning keeps what somebody overwrote or deleted. A version that was written 14 days ago is removed, which soft
// delete makes final 14 days later: a snippet that was deleted is gone after 28 days at most.
resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-08-01' = {
  parent: account
  name: 'default'
  dependsOn: [blobs]
  properties: {
    policy: {
      rules: [
        {
          name: 'forget-former-versions'
          type: 'Lifecycle'
          definition: {
            filters: { blobTypes: ['blockBlob'] }
            actions: { version: { delete: { daysAfterCreationGreaterThan: 14 } } }
          }
        }
      ]
    }
  }
}

resource mcpserverWrites 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: snippets
  name: guid(snippets.id, mcpserverPrincipalId, blobDataContributor)
  properties: {
    roleDefinitionId: blobDataContributor
    principalId: mcpserverPrincipalId
    principalType: 'ServicePrincipal'
  }
}

module endpoint 'private-endpoint.bicep' = {
  params: {
    location: location
    tags: tags
    name: privateEndpointName
    subnetId: endpointSubnetId
    serviceId: account.id
    groupId: 'blob'
    zoneId: zoneId
  }
}

output url string = account.properties.primaryEndpoints.blob
