// What is collected from the cluster: Prometheus metrics into the Azure Monitor workspace, containers' logs into Log
// Analytics. Used by main.bicep. Which pods are scraped is said in Kubernetes (PodMonitor), not here.
param location string
param tags object
param clusterName string
param endpointName string
@description('Names of the rules begin with this.')
param rulePrefix string
param monitorWorkspaceId string
param logAnalyticsWorkspaceId string

resource cluster 'Microsoft.ContainerService/managedClusters@2026-05-01' existing = {
  name: clusterName
}

resource endpoint 'Microsoft.Insights/dataCollectionEndpoints@2024-03-11' = {
  name: endpointName
  location: location
  tags: tags
  kind: 'Linux'
  properties: {}
}

resource metrics 'Microsoft.Insights/dataCollectionRules@2024-03-11' = {
  name: '${rulePrefix}-metrics'
  location: location
  tags: tags
  kind: 'Linux'
  properties: {
    dataCollectionEndpointId: endpoint.id
    dataSources: {
      prometheusForwarder: [
        { name: 'prometheus', streams: ['Microsoft-PrometheusMetrics'], labelIncludeFilter: {} }
      ]
    }
    destinations: {
      monitoringAccounts: [{ name: 'workspace', accountResourceId: monitorWorkspaceId }]
    }
    dataFlows: [{ streams: ['Microsoft-PrometheusMetrics'], destinations: ['workspace'] }]
  }
}

resource metricsOfCluster 'Microsoft.Insights/dataCollectionRuleAssociations@2024-03-11' = {
  scope: cluster
  // The portal looks for these two names.
  name: 'ContainerInsightsMetricsExtension'
  properties: { dataCollectionRuleId: metrics.id }
}

resource logs 'Microsoft.Insights/dataCollectionRules@2024-03-11' = {
  name: '${rulePrefix}-logs'
  location: location
  tags: tags
  kind: 'Linux'
  properties: {
    dataSources: {
      extensions: [
        {
          name: 'ContainerInsightsExtension'
          extensionName: 'ContainerInsights'
          streams: ['Microsoft-ContainerLogV2', 'Microsoft-KubeEvents', 'Microsoft-KubePodInventory']
          extensionSettings: {
            dataCollectionSettings: {
              // Metrics come from Prometheus; what is left is logs, events, and which pod is which.
              interval: '5m'
              namespaceFilteringMode: 'Include'
              namespaces: ['mcpstack', 'models', 'kaito-workspace', 'karpenter']
              enableContainerLogV2: true
            }
          }
        }
      ]
    }
    destinations: {
      logAnalytics: [{ name: 'workspace', workspaceResourceId: logAnalyticsWorkspaceId }]
    }
    dataFlows: [
      {
        streams: ['Microsoft-ContainerLogV2', 'Microsoft-KubeEvents', 'Microsoft-KubePodInventory']
        destinations: ['workspace']
      }
    ]
  }
}

resource logsOfCluster 'Microsoft.Insights/dataCollectionRuleAssociations@2024-03-11' = {
  scope: cluster
  name: 'ContainerInsightsExtension'
  properties: { dataCollectionRuleId: logs.id }
}
