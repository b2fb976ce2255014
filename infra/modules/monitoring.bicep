// Where telemetry is kept: logs (Log Analytics), traces (Application Insights on top of it), and Prometheus metrics
// (Azure Monitor workspace). Used by main.bicep; who collects what is collection.bicep's.
param location string
param tags object
param logAnalyticsName string
param applicationInsightsName string
param monitorWorkspaceName string

resource logs 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: logAnalyticsName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
    // Anybody can make lines by asking for 401s: this bounds what that costs. What comes after it on a day is not kept.
    workspaceCapping: { dailyQuotaGb: 10 }
    // A reader of one resource sees that resource's logs, not everybody's.
    features: { enableLogAccessUsingOnlyResourcePermissions: true }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: applicationInsightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: logs.id
    IngestionMode: 'LogAnalytics'
    // The last part of a caller's address is dropped before anything is stored.
    DisableIpMasking: false
  }
}

resource metrics 'Microsoft.Monitor/accounts@2023-04-03' = {
  name: monitorWorkspaceName
  location: location
  tags: tags
}

output logAnalyticsWorkspaceId string = logs.id
output applicationInsightsId string = insights.id
output applicationInsightsName string = insights.name
output applicationInsightsConnectionString string = insights.properties.ConnectionString
output monitorWorkspaceId string = metrics.id
output monitorWorkspaceName string = metrics.name
output prometheusQueryEndpoint string = metrics.properties.metrics.prometheusQueryEndpoint
