// The identities that pods sign in as, each bound to one service account by a federated credential: no key, no
// password, nothing to rotate. Used by main.bicep. What each may do stands in the module of what it may do it to;
// docs/adr/0036-what-each-identity-is-for.md has the table.
param location string
param tags object
param namePrefix string
param nameSuffix string
param oidcIssuer string

var audiences = ['api://AzureADTokenExchange']

resource authserver 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${namePrefix}authserver-${nameSuffix}'
  location: location
  tags: tags

  resource pods 'federatedIdentityCredentials' = {
    name: 'pods'
    properties: {
      issuer: oidcIssuer
      subject: 'system:serviceaccount:mcpstack:authserver'
      audiences: audiences
    }
  }
}

resource mcpserver 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${namePrefix}mcpserver-${nameSuffix}'
  location: location
  tags: tags

  resource pods 'federatedIdentityCredentials' = {
    name: 'pods'
    properties: {
      issuer: oidcIssuer
      subject: 'system:serviceaccount:mcpstack:mcpserver'
      audiences: audiences
    }
  }
}

resource karpenter 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${namePrefix}karpenter-${nameSuffix}'
  location: location
  tags: tags

  resource pods 'federatedIdentityCredentials' = {
    name: 'pods'
    properties: {
      issuer: oidcIssuer
      subject: 'system:serviceaccount:karpenter:karpenter-sa'
      audiences: audiences
    }
  }
}

resource keda 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${namePrefix}keda-${nameSuffix}'
  location: location
  tags: tags

  resource pods 'federatedIdentityCredentials' = {
    name: 'pods'
    properties: {
      issuer: oidcIssuer
      // The service account of the AKS add-on's operator.
      subject: 'system:serviceaccount:kube-system:keda-operator'
      audiences: audiences
    }
  }
}

output authserverClientId string = authserver.properties.clientId
output authserverPrincipalId string = authserver.properties.principalId
output mcpserverClientId string = mcpserver.properties.clientId
output mcpserverPrincipalId string = mcpserver.properties.principalId
output karpenterClientId string = karpenter.properties.clientId
output karpenterPrincipalId string = karpenter.properties.principalId
output kedaClientId string = keda.properties.clientId
output kedaPrincipalId string = keda.properties.principalId
