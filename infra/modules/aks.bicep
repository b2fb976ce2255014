// The cluster: system pool of 2 to 4 nodes; GPU nodes, 0 to 3, are Karpenter's (gpu-nodes.bicep, k8s/kaito). Used by
// main.bicep. Nobody signs in to it but with Entra ID, and nothing in it holds a key to anything in Azure.
param location string
param tags object
param name string
param nodeResourceGroupName string
@description('Resource id of id-aks.')
param identityId string
param systemSubnetId string
param systemNodeSize string
param zones string[]
param logAnalyticsWorkspaceId string
param deployerId string
param deployerType string

var clusterUser = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '4abbcc35-e782-43d8-92c5-2d3f1bd2253f')
var clusterAdmin = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b')

resource cluster 'Microsoft.ContainerService/managedClusters@2026-05-01' = {
  name: name
  location: location
  tags: tags
  // Standard has the uptime agreement; Free has none.
  sku: { name: 'Base', tier: 'Standard' }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    // No kubernetesVersion: a new cluster gets the region's default, and the channel below keeps it current.
    dnsPrefix: name
    nodeResourceGroup: nodeResourceGroupName
    // Karpenter makes its nodes in that group; a read-only one would refuse it.
    nodeResourceGroupProfile: { restrictionLevel: 'Unrestricted' }
    enableRBAC: true
    disableLocalAccounts: true
    aadProfile: { managed: true, enableAzureRBAC: true }
    // `az aks command invoke` is a way in around Kubernetes' own audit; nothing here needs it.
    apiServerAccessProfile: { disableRunCommand: true }
    oidcIssuerProfile: { enabled: true }
    securityProfile: {
      workloadIdentity: { enabled: true }
      // Each deployment leaves its predecessor's images on the nodes.
      imageCleaner: { enabled: true, intervalHours: 48 }
    }
    agentPoolProfiles: [
      {
        name: 'system'
        mode: 'System'
        osType: 'Linux'
        osSKU: 'AzureLinux'
        vmSize: systemNodeSize
        osDiskType: 'Ephemeral'
        osDiskSizeGB: 100
        enableAutoScaling: true
        count: 2
        minCount: 2
        maxCount: 4
        maxPods: 60
        availabilityZones: zones
        vnetSubnetID: systemSubnetId
        // The servers run here, as drawn, so the pool has no taint that would keep them away.
        upgradeSettings: { maxSurge: '1', drainTimeoutInMinutes: 30 }
        securityProfile: { sshAccess: 'Disabled' }
      }
    ]
    networkProfile: {
      networkPlugin: 'azure'
      networkPluginMode: 'overlay'
      networkDataplane: 'cilium'
      networkPolicy: 'cilium'
      podCidr: '10.244.0.0/16'
      serviceCidr: '10.250.0.0/16'
      dnsServiceIP: '10.250.0.10'
      loadBalancerSku: 'standard'
      outboundType: 'loadBalancer'
    }
    autoUpgradeProfile: { upgradeChannel: 'stable', nodeOSUpgradeChannel: 'NodeImage' }
    // KEDA scales the model between 0 and its maximum (k8s/kaito).
    workloadAutoScalerProfile: { keda: { enabled: true } }
    azureMonitorProfile: { metrics: { enabled: true } }
    addonProfiles: {
      azureKeyvaultSecretsProvider: {
        enabled: true
        config: { enableSecretRotation: 'true', rotationPollInterval: '2m' }
      }
      omsagent: {
        enabled: true
        config: { logAnalyticsWorkspaceResourceID: logAnalyticsWorkspaceId, useAADAuth: 'true' }
      }
    }
  }
}

// Upgrades on Sunday, in the early morning UTC, four hours at most.
resource maintenance 'Microsoft.ContainerService/managedClusters/maintenanceConfigurations@2026-05-01' = [
  for schedule in ['aksManagedAutoUpgradeSchedule', 'aksManagedNodeOSUpgradeSchedule']: {
    parent: cluster
    name: schedule
    properties: {
      maintenanceWindow: {
        schedule: { weekly: { dayOfWeek: 'Sunday', intervalWeeks: 1 } }
        startTime: '02:00'
        utcOffset: '+00:00'
        durationHours: 4
      }
    }
  }
]

// Who did what with the Kubernetes API (reads left out), and what the node autoscaler decided.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: cluster
  name: 'audit'
  properties: {
    workspaceId: logAnalyticsWorkspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      { category: 'kube-audit-admin', enabled: true }
      { category: 'guard', enabled: true }
      { category: 'cluster-autoscaler', enabled: true }
    ]
  }
}

resource deployerIsUser 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: cluster
  name: guid(cluster.id, deployerId, clusterUser)
  properties: {
    roleDefinitionId: clusterUser
    principalId: deployerId
    principalType: deployerType
  }
}

resource deployerIsAdmin 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: cluster
  name: guid(cluster.id, deployerId, clusterAdmin)
  properties: {
    roleDefinitionId: clusterAdmin
    principalId: deployerId
    principalType: deployerType
  }
}

output id string = cluster.id
output name string = cluster.name
output nodeResourceGroupName string = cluster.properties.nodeResourceGroup
output oidcIssuer string = cluster.properties.oidcIssuerProfile.issuerURL
output kubeletIdentityId string = cluster.properties.identityProfile.kubeletidentity.resourceId
output kubeletPrincipalId string = cluster.properties.identityProfile.kubeletidentity.objectId
